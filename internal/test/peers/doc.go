// SPDX-License-Identifier: GPL-2.0-or-later

// Package peers starts the real programs that pw talks to: mail servers, git, archives. Each has its configuration, files and sockets in a
// temporary directory, and ends with the test. What is not installed skips the test, or fails it if CI=true.
//
// It never touches a server of the machine.
//
//	p := peers.Postfix(t)
//	p.Transport("patches@lists.example", "lmtp:unix:"+socket)
package peers
