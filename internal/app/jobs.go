// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/irc"
	"patchwork.example/pw/internal/job/jobweb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/webhook"
)

// jobSubjects says in words what the targets of jobs are, for administrators. It makes at most one query per kind of target; what is gone or has no words is left out.
func (a *App) jobSubjects(ctx context.Context, by account.Actor, targets []string) (map[string]jobweb.Subject, error) {
	out, ids := map[string]jobweb.Subject{}, map[string][]int64{}
	for _, t := range targets {
		kind, rest, _ := strings.Cut(t, ":")
		switch kind {
		case "mail":
			out[t] = jobweb.Subject{Text: "Mail to " + rest}
		case account.ResetJob:
			out[t] = jobweb.Subject{Text: "Password of " + rest}
		default:
			if id, err := strconv.ParseInt(rest, 10, 64); err == nil {
				ids[kind] = append(ids[kind], id)
			}
		}
	}
	for _, add := range []func(context.Context, account.Actor, map[string][]int64, map[string]jobweb.Subject) error{a.projectSubjects, a.webhookSubjects, a.ircSubjects} {
		if err := add(ctx, by, ids, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *App) projectSubjects(ctx context.Context, _ account.Actor, ids map[string][]int64, out map[string]jobweb.Subject) error {
	if len(ids["change"])+len(ids["triage"]) == 0 {
		return nil
	}
	projects, err := project.ByIDs(ctx, a.DB, append(ids["change"], ids["triage"]...))
	if err != nil {
		return err
	}
	out["change:0"] = jobweb.Subject{Text: "Changes in several projects"}
	for id, p := range projects {
		home := "/project/" + url.PathEscape(p.Linkname) + "/"
		out[fmt.Sprintf("change:%d", id)] = jobweb.Subject{Text: "Changes in " + p.Name, Address: home}
		out[fmt.Sprintf("triage:%d", id)] = jobweb.Subject{Text: "Series of " + p.Name, Address: home + "series/"}
	}
	return nil
}

func (a *App) webhookSubjects(ctx context.Context, by account.Actor, ids map[string][]int64, out map[string]jobweb.Subject) error {
	if len(ids["webhook"])+len(ids["webhook-once"]) == 0 {
		return nil
	}
	hooks, err := webhook.All(ctx, a.DB, by)
	for _, h := range hooks {
		at, base := "the site", "/admin/"
		if h.Linkname != "" {
			at, base = h.Linkname, "/project/"+url.PathEscape(h.Linkname)+"/"
		}
		s := jobweb.Subject{Text: fmt.Sprintf("Webhook %d of %s", h.ID, at), Address: fmt.Sprintf("%swebhooks/%d/", base, h.ID)}
		out[fmt.Sprintf("webhook:%d", h.ID)] = s
		s.Text += ", once"
		out[fmt.Sprintf("webhook-once:%d", h.ID)] = s
	}
	return err
}

func (a *App) ircSubjects(ctx context.Context, by account.Actor, ids map[string][]int64, out map[string]jobweb.Subject) error {
	if len(ids["irc"]) == 0 {
		return nil
	}
	channels, err := irc.List(ctx, a.DB, by, "")
	for _, t := range channels {
		out[fmt.Sprintf("irc:%d", t.ID)] = jobweb.Subject{Text: t.URL}
	}
	return err
}
