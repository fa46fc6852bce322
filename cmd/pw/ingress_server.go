// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"strings"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/project"
)

// takeUntilStopped is pw ingress as a server.
func (c *cli) takeUntilStopped(ctx context.Context, a *app.App) error {
	projects, err := project.All(ctx, a.DB)
	if err != nil {
		return err
	}
	if len(projects) == 0 {
		a.Log.Warn("there is no project yet, no mail will find one; make one with: pw admin project create")
	}
	server, err := a.OpenIngress()
	if err != nil {
		return err
	}
	c.notify(a, "READY=1")
	return a.ServeIngress(ctx, server)
}

// notify tells the service manager, if there is one.
func (c *cli) notify(a *app.App, state string) {
	if err := app.Notify(c.getenv("NOTIFY_SOCKET"), state); err != nil {
		a.Log.Warn("service manager not told", "state", state, "error", err)
	}
}

func (c *cli) getenv(name string) string {
	for _, e := range c.environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
