// SPDX-License-Identifier: GPL-2.0-or-later

// Package patchnotify tells people by mail what became of patches: submitters of changes of state, if their project says so, and users of what they
// have chosen: patches delegated to them, failed checks, series accepted or superseded, patches that wait for their review, a summary of the week.
//
// It owns the tables notify_choice, notify_item and notify_sent. It sends nothing: it composes mails and puts them into the queue of outmail, in the
// transaction in which it forgets what they tell. What happened it learns from events, whoever made it happen.
//
//	n := patchnotify.New(db, clock.System{}, log, 10*time.Minute)
//	consumer := n.Consumer()      // events → what is to be told
//	sent, err := n.Send(ctx)      // what is to be told → mails; once a minute
package patchnotify
