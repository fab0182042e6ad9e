# SPDX-License-Identifier: Apache-2.0
#
# Reads files of apt's sources, one-line (*.list) and deb822 (*.sources), and prints for each
# enabled archive and suite:
#
#   URI SUITE OPTIONS COMPONENT...
#
# OPTIONS are the options for authentication of the archive in the form of one-line entries,
# separated by commas, such as "signed-by=FILE:FILE,trusted=yes"; or "-". A key inside a deb822
# entry is written to KEYS-N.asc, where KEYS is the variable keys. Standard input has the names of
# the files, one per line.

function authenticates(name) {
	return name ~ /^(signed-by|trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure|check-valid-until|check-date|inrelease-path)$/
}

function add(name, value) {
	gsub(/[ \t,]+/, ":", value)
	options = options (options == "" ? "" : ",") name "=" value
}

function show(uris, suites, components,    u, s, uri, suite) {
	split(uris, uri, " ")
	split(suites, suite, " ")
	for (u = 1; u in uri; u++)
		for (s = 1; s in suite; s++)
			if (uri[u] !~ /^cdrom:/) print uri[u], suite[s], (options == "" ? "-" : options), components
}

# one_line reads "deb [option=value ...] URI SUITE COMPONENT...".
function one_line(line,    n, i, word, pair, components) {
	sub(/#.*/, "", line)
	options = ""
	if (line !~ /^[ \t]*deb(-src)?[ \t]/) return
	sub(/^[ \t]*deb(-src)?[ \t]+/, "", line)
	if (line ~ /^\[/) {
		n = split(substr(line, 2, index(line, "]") - 2), word, " ")
		for (i = 1; i <= n; i++)
			if (split(word[i], pair, "=") == 2 && authenticates(pair[1])) add(pair[1], pair[2])
		line = substr(line, index(line, "]") + 1)
	}
	n = split(line, word, " ")
	for (i = 3; i <= n; i++) components = components (i > 3 ? " " : "") word[i]
	if (n >= 2) show(word[1], word[2], components)
}

function save_key(text,    file) {
	file = keys "-" (++saved) ".asc"
	gsub(/\n[ \t]+\.?/, "\n", text)
	sub(/^[ \t\n]+/, "", text)
	print text >file
	close(file)
	return file
}

# stanza_ends prints the deb822 entry whose fields are in value.
function stanza_ends(    name) {
	options = ""
	if ("types" in value && tolower(flat(value["enabled"])) !~ /^(no|false|0|off|without|disable)$/) {
		if ("signed-by" in value && value["signed-by"] ~ /BEGIN PGP/) value["signed-by"] = save_key(value["signed-by"])
		for (name in value) if (authenticates(name)) add(name, trimmed(value[name]))
		show(flat(value["uris"]), flat(value["suites"]), flat(value["components"]))
	}
	split("", value)
}

function flat(text) { gsub(/\n/, " ", text); return trimmed(text) }
function trimmed(text) { gsub(/^[ \t\n]+|[ \t\n]+$/, "", text); return text }

function deb822(line,    colon) {
	if (line ~ /^#/) return
	if (line ~ /^[ \t]*$/) { stanza_ends(); return }
	if (line ~ /^[ \t]/) { value[field] = value[field] "\n" line; return }
	colon = index(line, ":")
	field = tolower(substr(line, 1, colon - 1))
	value[field] = substr(line, colon + 1)
}

{
	file = $0
	while ((getline line <file) > 0)
		if (file ~ /\.sources$/) deb822(line)
		else one_line(line)
	if (file ~ /\.sources$/) stanza_ends()
	close(file)
}
