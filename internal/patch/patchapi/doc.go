// SPDX-License-Identifier: GPL-2.0-or-later

// Package patchapi is the REST API of patches, covers, comments, series, checks, bundles and events: the wire types of the domain, made of what the core
// reads, and the handlers. The event of API 1.4 is also the body of a webhook. It owns no table and decides nothing: who may change what is the core's affair.
//
//	events, err := patchapi.Addresses{Base: "https://pw.example.org"}.Events(ctx, tx, stored)
//	body, err := rest.Marshal(rest.Newest, events[0])
package patchapi
