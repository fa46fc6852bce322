// SPDX-License-Identifier: GPL-2.0-or-later

// Package webhookapi is the REST API of webhooks, below /api/1.4/projects/{project}/webhooks/, for the maintainers of the project.
//
// It decides nothing: each handler parses, calls one verb of webhook, and writes the wire type.
//
//	webhookapi.Routes(mux, shell, db, app.WebhookWords)
package webhookapi
