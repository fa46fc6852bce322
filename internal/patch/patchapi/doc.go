// SPDX-License-Identifier: GPL-2.0-or-later

// Package patchapi is the REST API of patches: the wire types of the domain, made of what the core reads. Today it has the event of API 1.4
// with the objects that it embeds, which is also the body of a webhook.
//
//	events, err := patchapi.Addresses{Base: "https://pw.example.org"}.Events(ctx, tx, stored)
//	body, err := rest.Marshal(rest.Newest, events[0])
package patchapi
