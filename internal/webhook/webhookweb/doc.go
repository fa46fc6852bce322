// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../../tools/go.mod templ generate

// Package webhookweb has the pages of webhooks: of a project at /project/NAME/webhooks/, for its maintainers, and of the whole site at
// /admin/webhooks/, for administrators. Who may do what is decided by webhook.
//
//	webhookweb.Routes(mux, shell, db, app.WebhookWords)
package webhookweb
