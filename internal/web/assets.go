// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed assets/*
var assets embed.FS

// fingerprinted maps the names in assets/ to their addresses. What is embedded does not change while the program runs.
var fingerprinted = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	entries, _ := fs.ReadDir(assets, "assets")
	for _, e := range entries {
		if data, err := assets.ReadFile("assets/" + e.Name()); err == nil {
			sum := sha256.Sum256(data)
			ext := path.Ext(e.Name())
			out[e.Name()] = "/static/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		}
	}
	return out
})

// Asset is the address of a file of assets/, with a fingerprint of its content in the name, so that browsers may keep it for ever.
func Asset(name string) string { return fingerprinted()[name] }

// files are those of assets/ by their addresses.
var files = sync.OnceValue(func() map[string]asset {
	byPath := map[string]asset{}
	for name, address := range fingerprinted() {
		if data, err := assets.ReadFile("assets/" + name); err == nil {
			byPath[address] = newAsset(data)
		}
	}
	return byPath
})

// Assets serves the files of assets/ under their fingerprinted names, compressed for those who take it.
func Assets() http.Handler {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files()[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[path.Ext(r.URL.Path)])
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		file.write(w, r)
	})
}
