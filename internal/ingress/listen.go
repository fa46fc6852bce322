// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// IsSocket tells whether an address to listen at is the path of a unix socket.
func IsSocket(address string) bool { return strings.Contains(address, "/") }

// Listen opens host:port, or a unix socket (mode 0660) if the address has a slash in it. A socket that a killed process left is replaced; one that
// is served is fault.Conflict. Closing the listener removes it.
func Listen(address string) (net.Listener, error) {
	if !IsSocket(address) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "ingress.listen")
		}
		return l, nil
	}
	if err := clearSocket(address); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", address)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "ingress.listen")
	}
	if err := os.Chmod(address, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("open the socket to its group: %w", err)
	}
	return l, nil
}

// clearSocket removes a socket nobody answers at.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.Wrap(fault.Unavailable, err, "look for an old socket")
	case info.Mode().Type() != fs.ModeSocket:
		return fault.New(fault.Conflict, "%s is there already and no socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fault.New(fault.Conflict, "another process takes mail at %s", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fault.Wrap(fault.Unavailable, err, "try the old socket %s", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the old socket: %w", err)
	}
	return nil
}

// TLSFiles is the configuration for STARTTLS with a certificate and key from PEM files. They are read again when one of them changes, so that a
// renewed certificate needs no restart; if that fails the old one stays in use.
func TLSFiles(cert, key string) (*tls.Config, error) {
	f := &tlsFiles{cert: cert, key: key}
	if err := f.load(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the certificate for STARTTLS")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get}, nil
}

type tlsFiles struct {
	cert, key string

	mu     sync.Mutex
	stamp  [2]time.Time
	loaded *tls.Certificate
}

func (f *tlsFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stamp != f.now() {
		_ = f.load() // the old pair goes on; half of a new one may be there while it is being written
	}
	return f.loaded, nil
}

func (f *tlsFiles) now() (stamp [2]time.Time) {
	for i, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	return stamp
}

func (f *tlsFiles) load() error {
	stamp := f.now()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.loaded, f.stamp = &pair, stamp
	return nil
}
