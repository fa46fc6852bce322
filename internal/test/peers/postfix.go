// SPDX-License-Identifier: GPL-2.0-or-later

package peers

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Postfix is a mail server of the test, with its own configuration and queue. It takes mail for anybody at lists.example and pipe.example.
type Postfix struct {
	t    testing.TB
	dir  string
	Port string // SMTP
}

const postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = lists.example pipe.example
local_recipient_maps =
alias_maps =
alias_database =
transport_maps = texthash:%[1]s/transport
smtpd_recipient_restrictions = permit_mynetworks, reject
smtp_tls_security_level = none
smtpd_tls_security_level = none
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
`

const postfixMaster = `127.0.0.1:%[1]s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n - 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
pw unix - n n - - pipe flags= user=mail argv=%[2]s
`

// NewPostfix starts a server whose transport for lists.example is the one named, such as lmtp:unix:/path or smtp:[127.0.0.1]:2525, and that pipes what is
// for pipe.example into a command, run by the user mail. It needs root.
func NewPostfix(t testing.TB, transport, command string) *Postfix {
	t.Helper()
	Need(t, "postfix")
	NeedRoot(t)
	dir, err := os.MkdirTemp("", "pwpost") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755)
	p := &Postfix{t: t, dir: dir, Port: FreePort(t)}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, sub := range []string{"spool", "data"} {
		os.Mkdir(filepath.Join(dir, sub), 0o755)
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		missing(t, "there is no user postfix")
	}
	uid, _ := strconv.Atoi(owner.Uid)
	os.Chown(filepath.Join(dir, "data"), uid, -1)
	p.write("main.cf", fmt.Sprintf(postfixMain, dir))
	p.write("master.cf", fmt.Sprintf(postfixMaster, p.Port, command))
	p.write("transport", "lists.example "+transport+"\npipe.example pw:\n")
	run(t, nil, "", "postfix", "-c", dir, "start")
	t.Cleanup(func() { run(t, nil, "", "postfix", "-c", dir, "stop") })
	return p
}

func (p *Postfix) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Queued counts the mails that wait.
func (p *Postfix) Queued() int {
	p.t.Helper()
	return strings.Count(run(p.t, nil, "", "postqueue", "-c", p.dir, "-j"), `"queue_id"`)
}

// Log is what it wrote.
func (p *Postfix) Log() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return string(text)
}
