// SPDX-License-Identifier: GPL-2.0-or-later

// Package projectapi is the REST API of projects: their wire type, the list, and the changes that maintainers make.
//
//	projectapi.Routes(mux, shell, db)
package projectapi
