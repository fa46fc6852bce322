// SPDX-License-Identifier: GPL-2.0-or-later

// Package config is everything an administrator can set: the struct Config, and one table (keys.go) from which its defaults, the
// commented patchwork.toml, the PW_… variables, the flags, the checks and the hints for misspelt keys are all made.
//
// It owns no table of the database. It never opens a database or a socket and never reads the environment by itself: what there is to
// read comes as Sources. A new setting is a field in config.go and an entry in keys.go; a test fails if one is missing.
//
//	loaded, err := config.Load(config.Sources{Files: config.StandardFiles(os.Environ()), Env: os.Environ()})
//	// patchwork.toml:12: unknown key "http.lisen"; did you mean "http.listen"?
//	fmt.Println(loaded.Config.HTTP.Listen)
package config
