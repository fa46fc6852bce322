// SPDX-License-Identifier: GPL-2.0-or-later

// Package webhook tells other programs over HTTP what happens here. A hook belongs to a project, or to the whole site. For each event that a
// hook wants there is one delivery: the bytes to send, made once, and a job that sends them. The jobs of a hook run one after the other, so its
// receiver is told in order, and one that is slow or dead keeps nobody else waiting.
//
// It owns the tables webhook, webhook_delivery and webhook_attempt. It knows no domain: which events there are, and the bytes that tell of one, it is
// given (Words, Renderer). It sends to no address that egress refuses, follows no redirect, and never shows a secret again.
//
//	hook, secret, err := webhook.Create(ctx, db, actor, now, words, "linux-erofs", webhook.Change{URL: &url})
//	runner.Handle(webhook.NewWorker(db, clock, log, sender).Kind())
package webhook
