// SPDX-License-Identifier: GPL-2.0-or-later

// Package apitest is the proof of the REST API as a whole: it compares what we answer with what a Django Patchwork answered on the same
// database, runs the table of the contract's 105 checks, and asks requests made from the OpenAPI documents, valid and wild ones.
//
// It has tests only, and owns no table.
//
//	PW_TEST_ENGINES=sqlite go test -v -run TestGolden ./internal/test/apitest
package apitest
