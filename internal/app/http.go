// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/account/accountapi"
	"patchwork.example/pw/internal/account/accountweb"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/job/jobweb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchapi"
	"patchwork.example/pw/internal/patch/patchweb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/project/projectapi"
	"patchwork.example/pw/internal/project/projectweb"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/web"
	"patchwork.example/pw/internal/webhook/webhookapi"
	"patchwork.example/pw/internal/webhook/webhookweb"
)

// Handler is everything the site answers over HTTP.
func (a *App) Handler(version string) http.Handler {
	log, cfg := a.Log, a.Config.HTTP
	sessions := account.NewSessions(a.DB, a.Clock)
	sessions.Tell = a.MailOptions().Problem() == ""
	shell := web.New(web.Options{BaseURL: cfg.BaseURL, SiteName: "Patchwork", NavHTML: cfg.NavHTML, FooterHTML: cfg.FooterHTML, CustomCSS: cfg.CustomCSS, SlowRequest: cfg.SlowRequest, Version: version, API: cfg.API, Registration: a.Config.Account.Registration && sessions.Tell,
		Stamp: a.DB.Stamp, Observe: a.meters().request, Todo: a.todo, Project: a.navigation}, sessions, a.Clock, log)
	mux := http.NewServeMux()
	mux.Handle("GET /static/", web.Assets())
	if cfg.CustomCSS != "" {
		mux.HandleFunc("GET /static/custom.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, cfg.CustomCSS) })
	}
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(web.Asset("icon.svg"), http.StatusFound)) // asked for beside what is no page
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "User-agent: *\nDisallow: /user/\nDisallow: /admin/\n")
	})
	projectweb.Routes(mux, shell, a.DB, a.numbers, a.hasUsers)
	pages := patchweb.Options{PerPage: cfg.WebPageSize, LegacyRedirects: cfg.LegacyRedirects, Totals: patch.NewRoughTotals(a.Clock, a.DB.Stamp), Describe: happenings}
	jobweb.Routes(mux, shell, a.DB, a.jobSubjects)
	accountweb.Routes(mux, shell, a.DB, sessions, log, accountweb.Options{ConfirmationDays: a.Config.Account.ConfirmationDays, Registration: a.Config.Account.Registration,
		MailProblem: a.MailOptions().Problem(), Version: version, API: cfg.API, Admins: cfg.Admins, Work: a.work})
	webhookweb.Routes(mux, shell, a.DB, a.WebhookWords)
	var site http.Handler = mux
	if cfg.API {
		api := a.api(mux, shell, sessions)
		site, pages.Recognize = api.Front(mux), api.Recognize
		projectweb.ClientConfig(mux, shell, a.DB)
	}
	patchweb.Routes(mux, shell, a.DB, pages)
	mux.Handle("/xmlrpc/", rest.XMLRPC(cfg.BaseURL))
	mux.Handle("/xmlrpc", rest.XMLRPC(cfg.BaseURL))
	a.mailByHTTP().Routes(mux)
	mux.Handle("/", shell.Unmatched(mux))
	return ingress.HideSecret(web.BehindProxies(cfg.TrustedProxies, shell.Wrap(site)))
}

// todo is the number in the head of pages.
func (a *App) todo(ctx context.Context, user int64) (int, error) {
	return patch.TodoCount(ctx, a.DB, user)
}

// navigation is what pages of errors show of a project; every visitor sees every project.
func (a *App) navigation(ctx context.Context, link string) (web.Meta, error) {
	p, err := project.ByLinkname(ctx, a.DB, link)
	return web.Meta{Project: p.Linkname, Name: p.Name, NavHTML: p.NavHTML}, err
}

// api hangs the API into mux.
func (a *App) api(mux *http.ServeMux, shell *web.Shell, sessions *account.Sessions) *rest.Shell {
	cfg := a.Config.HTTP
	api := rest.New(rest.Options{BaseURL: cfg.BaseURL, SessionCookie: web.SessionCookie, PerPage: cfg.APIPageSize, MostPerPage: cfg.APIPageMax, NotFound: shell.NotFound(),
		Frame: frame(shell), Script: web.Asset("apidocs.js"), CORSOrigins: cfg.CORSOrigins, PerMinute: cfg.APIRate, Stamp: a.DB.Stamp}, sessions, a.Clock, a.Log)
	a.endStreams = api.EndStreams
	accountapi.Routes(mux, api, a.DB, patch.SetBot)
	projectapi.Routes(mux, api, a.DB)
	patchapi.Routes(mux, api, a.DB)
	webhookapi.Routes(mux, api, a.DB, a.WebhookWords)
	api.Describe(mux)
	return api
}

// frame makes pages of the API look like those of the site.
func frame(shell *web.Shell) rest.Frame {
	return func(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) {
		shell.Page(func(c *web.Call) error { return c.Render(status, web.Meta{Title: title, NoIndex: true}, body) }).ServeHTTP(w, r)
	}
}

// httpGrace is how long requests under way may take when the server stops.
const httpGrace = 20 * time.Second

// ServeHTTP answers HTTP at the configured address until ctx ends, then finishes what is under way.
func (a *App) ServeHTTP(ctx context.Context, version string) error {
	log := a.Log
	server := &http.Server{
		Handler:           a.Handler(version),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if a.endStreams != nil {
		server.RegisterOnShutdown(a.endStreams)
	}
	listener, err := net.Listen("tcp", a.Config.HTTP.Listen)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "http.listen")
	}
	log.Info("http is up", "address", "http://"+listener.Addr().String()+"/")
	if a.Ready != nil {
		a.Ready()
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpGrace)
		defer cancel()
		stopped <- server.Shutdown(drain)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(fault.Unavailable, err, "serve http")
	}
	return <-stopped
}

// numbers counts the patches of a project by state.
func (a *App) numbers(ctx context.Context, p project.Project) ([]projectweb.Number, error) {
	words, err := patch.ReadVocabulary(ctx, a.DB)
	if err != nil {
		return nil, err
	}
	counts, err := patch.CountByState(ctx, a.DB, p.ID)
	if err != nil {
		return nil, err
	}
	var out []projectweb.Number
	for _, s := range words.States {
		if n := counts[s.ID]; n > 0 {
			out = append(out, projectweb.Number{Name: s.Name, Value: n, Path: fmt.Sprintf("/project/%s/list/?state=%d&archive=both", url.PathEscape(p.Linkname), s.ID)})
		}
	}
	return out, nil
}

func (a *App) hasUsers(ctx context.Context) (bool, error) {
	users, err := account.Users(ctx, a.DB)
	return len(users) > 0, err
}
