// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// TestProxy checks that the mirror serves the archive's files below its own path, and nothing at other paths.
func TestProxy(t *testing.T) {
	archive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer archive.Close()
	base, err := url.Parse(archive.URL + "/debian/")
	if err != nil {
		t.Fatal(err)
	}
	mirror := httptest.NewServer(proxy(base))
	defer mirror.Close()
	for path, want := range map[string]string{path + "/dists/x/InRelease": "/debian/dists/x/InRelease", "/debian/dists/x": "404 page not found\n"} {
		response, err := http.Get(mirror.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("%s: %q (%v), want %q", path, got, err, want)
		}
	}
}

// TestBadArguments checks that a wrong number of arguments or a malformed URL is an error.
func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"a", "b"}, {"http://[x"}} {
		if err := run(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
