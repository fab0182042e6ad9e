// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// defaultFileSize is the size at which an output file is rotated, in MiB.
const defaultFileSize = 100

func (o *options) fileFlags(fs *pflag.FlagSet) {
	c, r := &o.config, &o.config.Rotation
	r.MaxSize = defaultFileSize
	fs.StringVar(&c.OutputFile, "output-file", "", "append to `FILE` instead of writing to standard output")
	fs.Var(amountValue{&r.MaxSize, 1, "MiB"}, "output-file-max-size", "start a new file at this size in `MiB`")
	fs.Var(amountValue{&r.MaxBackups, 0, "files"}, "output-file-max-backups", "keep this many old `FILES` (0: all)")
	fs.Var(amountValue{&r.MaxAge, 0, "days"}, "output-file-max-age", "keep old files for this many `DAYS` (0: forever)")
	fs.BoolVar(&r.Compress, "output-file-compress", false, "compress old files with gzip")
}

var fileOffers = offers{
	"output-file":             aFile,
	"output-file-max-size":    anything,
	"output-file-max-backups": anything,
	"output-file-max-age":     anything,
}

// rotationFlags are the flags that need --output-file.
var rotationFlags = []string{"output-file-max-size", "output-file-max-backups", "output-file-max-age", "output-file-compress"}

func checkRotation(fs *pflag.FlagSet, outputFile string) error {
	for _, name := range rotationFlags {
		if outputFile == "" && fs.Changed(name) {
			return &usageError{text: fmt.Sprintf("--%s: needs an --output-file", name), hint: "add --output-file FILE"}
		}
	}
	return nil
}
