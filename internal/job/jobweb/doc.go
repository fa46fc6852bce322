// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../../tools/go.mod templ generate

// Package jobweb is the page of the queue for administrators: what waits, what failed and why, who works; and the forms to retry and cancel.
//
// It owns no table and decides nothing: job does. It knows no domain: app says what the targets of jobs are.
//
//	jobweb.Routes(mux, shell, db, subjects)
package jobweb
