// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"path/filepath"
	"strings"
	"time"
)

const (
	// backupTime is the format of the time in the name of a backup, in UTC.
	backupTime = "2006-01-02T15-04-05.000"
	// backupStep is the resolution of backupTime.
	backupStep = time.Millisecond
	// packed is the suffix of a compressed file.
	packed = ".gz"
)

// backupName returns the name of a backup, such as trace-2026-01-31T12-00-00.000.log.
func backupName(name string, t time.Time) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + t.UTC().Format(backupTime) + ext
}

// backup is an older file. name is its name without .gz. plain and zipped are set if the file exists uncompressed
// and compressed; both exist if compression was interrupted.
type backup struct {
	name          string
	time          time.Time
	plain, zipped bool
}

// parseBackup parses a file name. It returns false if the file is not a backup of the file with this name.
func parseBackup(name, file string) (backup, bool) {
	ext := filepath.Ext(name)
	b := backup{name: strings.TrimSuffix(file, packed)}
	b.zipped = b.name != file
	b.plain = !b.zipped
	stamp, ok := strings.CutPrefix(b.name, strings.TrimSuffix(name, ext)+"-")
	if !ok || !strings.HasSuffix(stamp, ext) {
		return b, false
	}
	var err error
	b.time, err = time.Parse(backupTime, strings.TrimSuffix(stamp, ext))
	return b, err == nil
}

// merge merges neighbours with the same name: a backup and its compressed form.
func merge(list []backup) []backup {
	var merged []backup
	for _, b := range list {
		if last := len(merged) - 1; last >= 0 && merged[last].name == b.name {
			merged[last].plain = merged[last].plain || b.plain
			merged[last].zipped = merged[last].zipped || b.zipped
			continue
		}
		merged = append(merged, b)
	}
	return merged
}
