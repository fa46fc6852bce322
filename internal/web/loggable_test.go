// SPDX-License-Identifier: GPL-2.0-or-later

package web

import "testing"

func TestLoggable(t *testing.T) {
	for address, want := range map[string]string{
		"/project/kettle/list/?state=2":                      "/project/kettle/list/?state=2",
		"/confirm/0123abcd/":                                 "/confirm/…/",
		"/confirm/0123abcd":                                  "/confirm/…",
		"/user/password-reset/":                              "/user/password-reset/",
		"/user/password-reset/mail-sent/":                    "/user/password-reset/mail-sent/",
		"/user/password-reset/MQ/0123abcd/?x=1":              "/user/password-reset/MQ/…/?x=1",
		"/user/login/?next=%2Fconfirm%2F0123abcd%2F":         "/user/login/?next=%2Fconfirm%2F…%2F",
		"/user/login/?next=/confirm/0123abcd/&a=b":           "/user/login/?next=/confirm/…/&a=b",
		"/mail/unsubscribe/YW5uQGV4YW1wbGUub3Jn.0123456789/": "/mail/unsubscribe/…/",
		"/project/kettle/patch/confirm@example.org/":         "/project/kettle/patch/confirm@example.org/",
	} {
		if got := loggable(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
