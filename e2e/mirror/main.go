// SPDX-License-Identifier: Apache-2.0

// Command mirror is a reverse proxy on the loopback interface for a package archive, whose URL is its argument. Like
// mirrors of companies, its path does not end in /debian. It prints its own URL, and exits at EOF on standard
// input.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

const path = "/corp/linux-packages"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mirror:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments, want the URL of an archive", len(args))
	}
	archive, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(listener, proxy(archive)) // ends with the process
	fmt.Printf("http://%s%s\n", listener.Addr(), path)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func proxy(archive *url.URL) http.Handler {
	return http.StripPrefix(path, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(archive) }})
}
