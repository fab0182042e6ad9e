// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toolchain creates a fake go command of this version, with mode as its GOTOOLCHAIN. `go env GOVERSION`, with which the
// real command fetches another toolchain, runs the shell command fetched.
func toolchain(t *testing.T, version, mode, fetched string) string {
	t.Helper()
	return shellScript(t, `case "$*" in
version) echo "go version `+version+` linux/amd64" ;;
"env GOTOOLCHAIN") echo `+mode+` ;;
"env GOVERSION") `+fetched+` ;;
esac`)
}

// TestGoIsChecked checks that check-go prints one line if Go is missing or too old: what was found, what is
// needed, and how to get it.
func TestGoIsChecked(t *testing.T) {
	t.Parallel()
	need := words(t, "../go.mod", `(?m)^go (.+)$`)[0]
	for name, test := range map[string]struct{ goCommand, want string }{
		"no Go":                        {"no-such-go", `Go is missing (command "no-such-go" not found)`},
		"Go of Debian 12":              {toolchain(t, "go1.19.8", "", "exit 2"), "Go 1.19.8 at "},
		"local toolchain only":         {toolchain(t, "go1.25.9", "local", "exit 2"), "set GOTOOLCHAIN=auto to let it fetch that"},
		"fetches the required version": {toolchain(t, "go1.22.1", "auto", "echo go"+need), ""},
		"fetch fails":                  {toolchain(t, "go1.22.1", "auto", "echo 'dial tcp: no route' >&2; exit 1"), "could not fetch Go " + need + " (no route)"},
		"fetches an old version":       {toolchain(t, "go1.22.1", "go1.24.0", "echo go1.24.0"), "could not fetch Go " + need + " (go1.24.0)"},
		"the required version":         {toolchain(t, "go"+need, "local", "exit 2"), ""},
		"newer":                        {toolchain(t, "go1.100.0", "local", "exit 2"), ""},
		"development version":          {toolchain(t, "devel go1.100-0123456789", "local", "exit 2"), ""},
		"release candidate":            {toolchain(t, "go1.26rc1", "local", "exit 2"), "Go 1.26 at "},
		"not Go":                       {shellScript(t, "echo hello"), "prints no version"},
	} {
		out, err := exec.Command("../.ci/check-go", test.goCommand).CombinedOutput()
		line := strings.TrimSuffix(string(out), "\n")
		good := line == "" == (test.want == "") && strings.Contains(line, test.want) && !strings.Contains(line, "\n")
		if test.want != "" {
			good = good && strings.Contains(line, "Go "+need) && strings.Contains(line, "https://go.dev/doc/install")
		}
		if err != nil || !good {
			t.Errorf("%s: %v: says %q, want %q", name, err, line, test.want)
		}
	}
}

// TestMakeWithoutGo checks that without Go, targets that need it fail with a message of one line, and the others work.
func TestMakeWithoutGo(t *testing.T) {
	t.Parallel()
	m := newMakefile(t)
	out, ok := m.run(nil, "lint", "GO=no-such-go")
	if ok || strings.Count(out, "\n") != 1 || !strings.Contains(out, "Go is missing") {
		t.Errorf("make lint: success %t, says %q", ok, out)
	}
	for _, target := range []string{"help", "install", "uninstall"} {
		if out, ok := m.run(nil, target, "GO=no-such-go"); !ok || strings.Contains(out, "Go is") {
			t.Errorf("make %s: success %t, says %q", target, ok, out)
		}
	}
}

// environment simulates a machine for the scripts: its release, the sources of apt, and its commands.
type environment struct {
	*testing.T
	dir string
	env []string
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	s := &environment{t, t.TempDir(), nil}
	s.write("etc/parts/none", "")
	s.write("apt.conf", "Dir::Etc::SourceList \""+s.path("etc/sources.list")+"\";\nDir::Etc::SourceParts \""+s.path("etc/parts")+"\";\n")
	s.env = append(os.Environ(), "APT_CONFIG="+s.path("apt.conf"), "OS_RELEASE="+s.path("os-release"), "XDG_CACHE_HOME="+s.path("cache"),
		"DEBIAN_MIRROR=", "LIBPCAP_SOURCE=")
	return s
}

func (s *environment) path(name string) string { return filepath.Join(s.dir, name) }

func (s *environment) write(name, text string) {
	s.Helper()
	_ = os.Remove(s.path(name)) // it may be a link to a file of this machine
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o755); err != nil {
		s.Fatal(err)
	}
}

// run returns the output of a command, and whether it succeeded.
func (s *environment) run(name string, args ...string) (string, bool) {
	s.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		s.Fatal(err)
	}
	return string(out), err == nil
}

// function runs a script that calls functions of libpcap/debian.sh, and returns its output.
func (s *environment) function(script string) string {
	s.Helper()
	out, ok := s.run("bash", "-euc", ". ../libpcap/debian.sh; mkdir -p \"$cache/apt\"; "+script)
	if !ok {
		s.Fatal(out)
	}
	return out
}

const (
	bookworm = "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"
	noble    = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n"
	wilma    = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n"
)

// TestMirrors checks that an archive in the sources of apt is recognized by its suite, with any URL.
func TestMirrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ release, list, sources, want string }{
		"company mirror": {bookworm, "deb https://apt.corp.example/artifactory/linux bookworm main\n", "",
			"https://apt.corp.example/artifactory/linux bookworm -\n"},
		"options": {bookworm, "deb [ arch=amd64 signed-by=/a.gpg,/b.gpg trusted=yes ] file:/srv/mirror bookworm main contrib # old\n", "",
			"file:/srv/mirror bookworm signed-by=/a.gpg:/b.gpg,trusted=yes\n"},
		"sources only": {bookworm, "deb-src http://m.example/d bookworm main\n", "", "http://m.example/d bookworm -\n"},
		"ignored entries": {bookworm, "# deb http://off.example bookworm main\ndeb cdrom:[Debian]/ bookworm main\ndeb http://flat.example ./\n" +
			"deb http://s.example bookworm-security main\ndeb http://s.example bookworm/updates main\ndeb http://x.example bookworm stable\n" +
			"deb mirror+file:/etc/apt/mirrors.list bookworm main\n", "", "mirror+file:/etc/apt/mirrors.list bookworm -\n"},
		"by the name of a suite": {bookworm, "deb http://m.example/x stable main\ndeb http://m.example/x stable-updates main\n", "", "http://m.example/x stable -\n"},
		"deb822": {noble, "", "# Ubuntu\n\nTypes: deb deb-src\nURIs: http://one.example/u http://two.example/u/\nSuites: noble noble-updates\n noble-backports\n" +
			"Components: main universe\n# why\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n\nTypes: deb\nURIs: http://off.example\n" +
			"Suites: noble\nComponents: main\nEnabled: no\n", "http://one.example/u noble signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg\n" +
			"http://two.example/u/ noble signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg\n"},
		"a derivative": {wilma, "deb http://mint.example wilma main upstream\ndeb http://ports.example/ubuntu-ports noble main\n", "",
			"http://ports.example/ubuntu-ports noble -\n"},
		"none": {bookworm, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t)
			s.write("os-release", test.release)
			s.write("etc/sources.list", test.list)
			s.write("etc/parts/x.sources", test.sources)
			if diff := cmp.Diff(test.want, s.function("machine_archives")); diff != "" {
				t.Errorf("archives (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeyInsideOfSources checks that a key embedded in a deb822 entry is written to a file, since one-line entries
// can refer only to files.
func TestKeyInsideOfSources(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.write("os-release", noble)
	s.write("etc/parts/x.sources", "Types: deb\nURIs: http://m.example\nSuites: noble\nComponents: main\nSigned-By:\n"+
		" -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEYCQjIxYJKw\n =x\n -----END PGP PUBLIC KEY BLOCK-----\n")
	out := s.function("machine_archives")
	match := regexp.MustCompile(`^http://m\.example noble signed-by=(/.*-1\.asc)\n$`).FindStringSubmatch(out)
	if match == nil {
		t.Fatalf("archives %q", out)
	}
	want := "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEYCQjIxYJKw\n=x\n-----END PGP PUBLIC KEY BLOCK-----\n"
	if diff := cmp.Diff(want, read(t, match[1])); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

// TestMirrorsOfDebian checks the mirrors for Debian's kernels. On Ubuntu, DEBIAN_MIRROR must be set.
func TestMirrorsOfDebian(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		release, mirror string
		want            []string
	}{
		"on Debian":     {bookworm, "", []string{"http://m.example/x trixie"}},
		"on Ubuntu":     {noble, "", nil},
		"Ubuntu, named": {noble, "http://own.example/y", []string{"http://own.example/y trixie"}},
		"Debian, named": {bookworm, "http://own.example/y", []string{"http://own.example/y trixie"}},
	} {
		s := newEnvironment(t)
		s.write("os-release", test.release)
		s.write("etc/sources.list", "deb http://m.example/x bookworm main\ndeb http://m.example/x noble main\n")
		s.env = append(s.env, "DEBIAN_MIRROR="+test.mirror)
		var got []string
		for line := range strings.Lines(s.function("archives trixie")) {
			words := strings.Fields(line)
			if len(words) != 3 || !strings.HasPrefix(words[2], "signed-by=/usr/share/keyrings/debian-archive-keyring.") {
				t.Errorf("%s: %q does not use the keyring of Debian", name, line)
			}
			got = append(got, strings.Join(words[:2], " "))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestNoMirrorHasTheSuite checks the error and the hint if no mirror has the suite.
func TestNoMirrorHasTheSuite(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.write("os-release", bookworm)
	s.env = append(s.env, "DEBIAN_MIRROR=file:"+s.path("nothing"))
	out, ok := s.run("bash", "-euc", ". ../libpcap/debian.sh; use_archive deb amd64 bullseye")
	if ok || !strings.Contains(out, "no mirror has bullseye (deb, amd64)\nhint: DEBIAN_MIRROR=URL names") {
		t.Errorf("success %t, says %s", ok, out)
	}
}

// withoutApt sets a PATH with this machine's commands except its package managers.
func (s *environment) withoutApt() {
	s.Helper()
	s.write("bin/none", "")
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if name := entry.Name(); !regexp.MustCompile(`^(apt|dpkg|rpm|dnf|pacman|apk|zypper)`).MatchString(name) {
				_ = os.Symlink(filepath.Join(dir, name), s.path("bin/"+name)) // fails for a repeated name, so that the first in PATH is kept
			}
		}
	}
	s.env = append(s.env, "PATH="+s.path("bin"))
}

// withManager adds a fake package manager, which records its calls. The command query, which checks whether a package is
// installed, exits with code.
func (s *environment) withManager(name, query string, code int) {
	s.Helper()
	s.withoutApt()
	s.write("calls", "")
	ends := "exit " + strconv.Itoa(code) + "\n"
	s.write("bin/"+name, "#!/bin/sh\ncase $1 in --query | info) "+ends+";; esac\necho \"$*\" >>'"+s.path("calls")+"'\n")
	if query != name {
		s.write("bin/"+query, "#!/bin/sh\n"+ends)
	}
}

// TestPackageManagers checks the install commands of each package manager.
func TestPackageManagers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ query, dynamic, static string }{
		"dnf": {"rpm", "--quiet --assumeyes install gcc glibc-devel iproute iputils libpcap-devel",
			"--quiet --assumeyes install bison flex gcc iproute iputils kernel-headers make musl-devel musl-gcc musl-libc-static xz"},
		"pacman": {"pacman", "--sync --needed --noconfirm gcc iproute2 iputils libpcap",
			"--sync --needed --noconfirm bison flex gcc iproute2 iputils linux-api-headers make musl xz"},
		"apk": {"apk", "add --quiet gcc iproute2 iputils libpcap-dev musl-dev", "add --quiet bison flex gcc iproute2 iputils linux-headers make musl-dev xz"},
		"zypper": {"rpm", "--quiet --non-interactive install --no-recommends gcc glibc-devel iproute2 iputils libpcap-devel",
			"--quiet --non-interactive install --no-recommends bison flex gcc iproute2 iputils linux-glibc-devel make musl musl-devel xz"},
	} {
		for source, want := range map[string]string{"": test.dynamic, "x.tar.xz": test.static} {
			s := newEnvironment(t)
			s.withManager(name, test.query, 1)
			s.env = append(s.env, "LIBPCAP_SOURCE="+source)
			out, ok := s.run("../.ci/install", "build", "demo")
			if diff := cmp.Diff(want+"\n", read(t, s.path("calls"))); !ok || diff != "" {
				t.Errorf("%s, LIBPCAP_SOURCE=%s: success %t, says %s; calls (-want +got):\n%s", name, source, ok, out, diff)
			}
		}
		s := newEnvironment(t)
		s.withManager(name, test.query, 0)
		if out, ok := s.run("../.ci/install", "build", "demo"); !ok || out != "" || read(t, s.path("calls")) != "" {
			t.Errorf("%s, all is installed: success %t, says %s; calls %s", name, ok, out, read(t, s.path("calls")))
		}
		if out, ok := s.run("../.ci/install", "build", "cross-arm64"); ok || !strings.Contains(out, "GOARCH=arm64: cross-building needs Debian or Ubuntu") {
			t.Errorf("%s, cross-arm64: success %t, says %s", name, ok, out)
		}
		if out, ok := s.run("../.ci/install", "e2e"); ok || !strings.Contains(out, `"e2e" are known for Debian and Ubuntu only, not for `+name) {
			t.Errorf("%s, e2e: success %t, says %s", name, ok, out)
		}
	}
}

// TestPackagesWithoutRoot checks that a user's packages are installed with sudo and the user's proxy, and that the error
// names them if there is no sudo.
func TestPackagesWithoutRoot(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.withManager("dnf", "rpm", 1)
	for name, text := range map[string]string{"id": "echo 1000", "sudo": "echo \"sudo $*\" >>'" + s.path("calls") + "'; exec \"$@\""} {
		s.write("bin/"+name, "#!/bin/sh\n"+text+"\n")
	}
	s.env = append(s.env, "http_proxy=", "https_proxy=http://proxy.example:3128", "no_proxy=")
	install := "dnf --quiet --assumeyes install gcc glibc-devel libpcap-devel\n"
	want := "sudo env https_proxy=http://proxy.example:3128 " + install + strings.TrimPrefix(install, "dnf ")
	out, ok := s.run("../.ci/install", "dynamic")
	if diff := cmp.Diff(want, read(t, s.path("calls"))); !ok || diff != "" {
		t.Errorf("success %t, says %s; calls (-want +got):\n%s", ok, out, diff)
	}
	_ = os.Remove(s.path("bin/sudo"))
	out, ok = s.run("../.ci/install", "dynamic")
	if ok || !strings.Contains(out, "neither root nor sudo to install them with dnf: gcc glibc-devel libpcap-devel\n") {
		t.Errorf("without sudo: success %t, says %s", ok, out)
	}
}

// TestPackageManagerFails checks the error if the package manager fails.
func TestPackageManagerFails(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.withManager("dnf", "rpm", 1)
	s.write("bin/dnf", "#!/bin/sh\nexit 1\n")
	if out, ok := s.run("../.ci/install", "dynamic"); ok || !strings.Contains(out, "dnf could not install all of: gcc glibc-devel libpcap-devel\nhint: ") {
		t.Errorf("success %t, says %s", ok, out)
	}
}

// TestNoPackageManager checks that without a package manager, the error names the missing commands.
func TestNoPackageManager(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.withoutApt()
	s.env = append(s.env, "LIBPCAP_SOURCE=x")
	for _, name := range []string{"bison", "ping"} {
		_ = os.Remove(s.path("bin/" + name))
	}
	if out, ok := s.run("../.ci/install", "e2e"); ok || !strings.Contains(out, `"e2e" are known for Debian and Ubuntu only, not for this system`) {
		t.Errorf("e2e: success %t, says %s", ok, out)
	}
	out, ok := s.run("../.ci/install", "build", "demo")
	if ok || out != "missing commands: bison ping\nhint: this system has no apt-get, dnf, pacman, apk or zypper: install them by hand\n" {
		t.Errorf("success %t, says %s", ok, out)
	}
}

// TestSourceOfLibpcapIsRefused checks the errors for a bad LIBPCAP_SOURCE.
func TestSourceOfLibpcapIsRefused(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t)
	s.write("libpcap.tar", "no libpcap")
	for source, want := range map[string]string{
		s.path("libpcap.tar"): "libpcap.tar: its SHA-256 is ",
		"no/such":             "LIBPCAP_SOURCE=no/such: no such file\n",
		"../libpcap":          "LIBPCAP_SOURCE=../libpcap: no such file\n",
	} {
		s.env = append(s.env, "LIBPCAP_SOURCE="+source)
		if out, ok := s.run("../libpcap/build.sh", "amd64"); ok || !strings.Contains(out, want) {
			t.Errorf("%s: success %t, says %s, want %s", source, ok, out, want)
		}
	}
}

// TestReleaseRefusesLibpcapSource checks that a release cannot be built with LIBPCAP_SOURCE.
func TestReleaseRefusesLibpcapSource(t *testing.T) {
	t.Parallel()
	out, ok := newMakefile(t).run(nil, "release", "VERSION=v1.2.3", "LIBPCAP_SOURCE=x.tar")
	if ok || !strings.HasPrefix(out, "LIBPCAP_SOURCE=x.tar: a release uses the libpcap of the distribution\n") {
		t.Errorf("success %t, says %s", ok, out)
	}
}

// TestChecksumsOfLibpcap checks that each line in SHA256SUMS is the checksum of a release.
func TestChecksumsOfLibpcap(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(read(t, "../libpcap/SHA256SUMS")) {
		if !regexp.MustCompile(`^[0-9a-f]{64}  libpcap-\d+\.\d+\.\d+\.tar\.[gx]z\n$`).MatchString(line) {
			t.Errorf("%q is not the checksum of a release", line)
		}
	}
}

// TestDynamicBinaryIsRefused checks the error of static.sh.
func TestDynamicBinaryIsRefused(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(packaging+"/static.sh", shell).CombinedOutput()
	if err == nil || !strings.Contains(string(out), shell+" is linked dynamically, and a static binary is needed here\nhint: make LIBPCAP_SOURCE=FILE") {
		t.Errorf("%v: says %s", err, out)
	}
}

// TestPackagesAreInTheDocs checks that docs/install.md lists the packages, for users who install them by hand.
func TestPackagesAreInTheDocs(t *testing.T) {
	t.Parallel()
	docs := read(t, "../docs/install.md")
	for _, manager := range []string{"apt", "dnf", "pacman", "apk", "zypper"} {
		for _, group := range []string{"dynamic", "static"} {
			out, err := exec.Command("../.ci/install", "--list", manager, group).Output()
			if list := strings.Join(strings.Fields(string(out)), " "); err != nil || list == "" || !strings.Contains(docs, list) {
				t.Errorf("%s, %s: %v: docs/install.md has no %q", manager, group, err, list)
			}
		}
	}
}

// TestGoIsInTheDocs checks that README.md and docs/install.md name the version of Go in go.mod.
func TestGoIsInTheDocs(t *testing.T) {
	need := words(t, "../go.mod", `(?m)^go (.+)$`)[0]
	for _, file := range []string{"../README.md", "../docs/install.md"} {
		if !strings.Contains(read(t, file), "Go "+need) {
			t.Errorf("%s does not name Go %s", file, need)
		}
	}
}
