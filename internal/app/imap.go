// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
)

// imap is a mailbox with its password.
func (a *App) imap(m config.IMAP) (*ingress.IMAP, error) {
	in := a.Config.Ingress
	if in.IMAPPassword == "" && m.PasswordFile == "" {
		return nil, fault.New(fault.Invalid, "there is no password for %s: set ingress.imap-password, or add ?password-file=PATH", m.Name())
	}
	return ingress.OpenIMAP(ingress.IMAPOptions{Name: m.Name(), Host: m.Host, Port: m.Port, Security: m.Security, User: m.User,
		Password: in.IMAPPassword, PasswordFile: m.PasswordFile, Mailbox: m.Mailbox, ListID: m.ListID, Seen: m.Seen, MoveTo: m.MoveTo,
		MailSize: int(a.Config.Limits.ImportMailSize), Every: in.PollInterval}), nil
}
