// SPDX-License-Identifier: GPL-2.0-or-later

package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Dovecot is an IMAP server of the test, with the user reader, whose password is "pass word".
type Dovecot struct {
	t        testing.TB
	dir      string
	process  *exec.Cmd
	Port     string // IMAP with STARTTLS
	TLSPort  string
	CertFile string // of its own authority; for SSL_CERT_FILE
	mails    int
}

// The user and password of each server.
const (
	DovecotUser     = "reader"
	DovecotPassword = "pass word"
)

// NewDovecot starts a server, with more lines of its configuration if some are given. It needs root.
func NewDovecot(t testing.TB, settings ...string) *Dovecot {
	t.Helper()
	Need(t, "dovecot")
	NeedRoot(t)
	dir, err := os.MkdirTemp("", "pwdove") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &Dovecot{t: t, dir: dir, Port: FreePort(t), TLSPort: FreePort(t), CertFile: filepath.Join(dir, "cert.pem")}
	t.Cleanup(func() { d.Stop(); os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	d.certificate()
	d.configure(settings)
	d.Start()
	return d
}

// FreePort is a TCP port of this machine that nobody uses.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (d *Dovecot) certificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		d.t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(key)
	d.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	d.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (d *Dovecot) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *Dovecot) configure(settings []string) {
	mailUser, err := user.Lookup("mail")
	if err != nil {
		missing(d.t, "there is no user mail")
	}
	d.write("users", fmt.Sprintf("%s:{PLAIN}%s:%s:%s::%s/home::\n", DovecotUser, DovecotPassword, mailUser.Uid, mailUser.Gid, d.dir))
	d.write("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:%[1]s/home/Maildir
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = %[1]s/users
}
userdb {
  driver = passwd-file
  args = %[1]s/users
}
namespace inbox {
  inbox = yes
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[2]s
  }
  inet_listener imaps {
    port = %[3]s
    ssl = yes
  }
}
service anvil {
  chroot =
}
`, d.dir, d.Port, d.TLSPort)+strings.Join(settings, "\n"))
	home := filepath.Join(d.dir, "home")
	for _, sub := range []string{"", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"} {
		os.MkdirAll(filepath.Join(home, sub), 0o755)
	}
	run(d.t, nil, "", "chown", "-R", mailUser.Uid+":"+mailUser.Gid, home)
}

// Start starts it, again after Stop, and waits until it answers.
func (d *Dovecot) Start() {
	d.t.Helper()
	d.process = exec.Command("dovecot", "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	for range 600 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+d.Port); err == nil {
			c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.t.Fatalf("dovecot does not start: %s", d.Log())
}

// Stop ends it, and the connections with it.
func (d *Dovecot) Stop() {
	if d.process == nil {
		return
	}
	d.process.Process.Signal(syscall.SIGTERM)
	d.process.Wait()
	syscall.Kill(-d.process.Process.Pid, syscall.SIGKILL) // who is left of its children
	d.process = nil
}

// Log is what it wrote.
func (d *Dovecot) Log() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	return string(text)
}

// Deliver puts mails into the inbox, as a delivery agent does.
func (d *Dovecot) Deliver(mails ...string) {
	d.t.Helper()
	owner, _ := user.Lookup("mail")
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, m := range mails {
		d.mails++
		name := fmt.Sprintf("%d.M%dP%d.test", time.Now().Unix(), d.mails, os.Getpid())
		temp := filepath.Join("home/Maildir/tmp", name)
		d.write(temp, m)
		os.Chown(filepath.Join(d.dir, temp), uid, gid)
		if err := os.Rename(filepath.Join(d.dir, temp), filepath.Join(d.dir, "home/Maildir/new", name)); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Files lists the files of a mailbox; "" is the inbox, ".Done" the mailbox Done.
func (d *Dovecot) Files(mailbox string) (out []string) {
	for _, sub := range []string{"cur", "new"} {
		found, _ := filepath.Glob(filepath.Join(d.dir, "home/Maildir", mailbox, sub, "*"))
		out = append(out, found...)
	}
	return out
}

// Make makes a mailbox, with doveadm.
func (d *Dovecot) Make(mailbox string) {
	d.t.Helper()
	run(d.t, nil, "", "doveadm", "-c", filepath.Join(d.dir, "dovecot.conf"), "mailbox", "create", "-u", DovecotUser, mailbox)
}

// NewValidity makes the server forget how it numbered the mails.
func (d *Dovecot) NewValidity() {
	d.t.Helper()
	found, _ := filepath.Glob(filepath.Join(d.dir, "home/Maildir/dovecot*"))
	for _, f := range found {
		os.Remove(f)
	}
}
