// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// parseLocation takes an archive's location apart; nil for a directory of this machine.
func parseLocation(location string) (*url.URL, error) {
	if path, ok := strings.CutPrefix(location, "file://"); ok {
		location = path
	}
	if !strings.Contains(location, "://") {
		if location == "" {
			return nil, fault.New(fault.Invalid, "a public-inbox has a directory or an address; this one is empty")
		}
		return nil, nil
	}
	u, err := url.Parse(location)
	switch {
	case err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fault.New(fault.Invalid, "the address of a public-inbox looks like https://lore.example.org/LIST/, without query and fragment")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "the address of a public-inbox can't hold a user name or password")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "git":
		return nil, fault.New(fault.Invalid, "the address of a public-inbox begins with https://, http:// or git://, not with %s://", u.Scheme)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// epochs finds the repositories of the archive, oldest first; of one that is elsewhere those of its mirror, brought up to date.
func (p *PublicInbox) epochs(ctx context.Context) ([]epoch, error) {
	u, err := parseLocation(p.location)
	if err != nil {
		return nil, err
	}
	if u != nil {
		return p.mirror(ctx, u)
	}
	dir, err := filepath.Abs(strings.TrimPrefix(p.location, "file://"))
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", p.location, err)
	}
	if found := localEpochs(dir); len(found) > 0 {
		return found, nil
	}
	return nil, fault.New(fault.NotFound, "%s is no public-inbox: it has neither git/0.git nor is it a git repository", p.location)
}

var epochName = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.git$`)

// localEpochs are the repositories in the directory of an archive.
func localEpochs(dir string) []epoch {
	numbered := map[int]string{}
	entries, _ := os.ReadDir(filepath.Join(dir, "git"))
	for _, e := range entries {
		if m := epochName.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			numbered[n] = filepath.Join(dir, "git", e.Name())
		}
	}
	if len(numbered) > 0 {
		return sortedEpochs(numbered)
	}
	for _, single := range []string{dir, filepath.Join(dir, ".git")} {
		if isRepository(single) {
			return []epoch{{"single", single}}
		}
	}
	return nil
}

func isRepository(dir string) bool {
	objects, err := os.Stat(filepath.Join(dir, "objects"))
	_, headErr := os.Stat(filepath.Join(dir, "HEAD"))
	return err == nil && headErr == nil && objects.IsDir()
}

// mirror brings the copy of an archive up to date: the last epoch always, those before it once per process, for they change only when a mail is purged; and
// looks for new ones.
func (p *PublicInbox) mirror(ctx context.Context, u *url.URL) ([]epoch, error) {
	dir, err := p.mirrorDir(u)
	if err != nil {
		return nil, err
	}
	known := localEpochs(dir)
	for i, e := range known {
		if p.mirrored && i < len(known)-1 {
			continue
		}
		if _, err := gitOutput(ctx, e.dir, "fetch", "--quiet", "--prune", "origin"); err != nil {
			return nil, fmt.Errorf("fetch epoch %s of %s: %w", e.name, p.location, err)
		}
	}
	if err := cloneEpochs(ctx, u, dir, known); err != nil {
		return nil, err
	}
	p.mirrored = true
	return localEpochs(dir), nil
}

// mirrorDir makes the directory of a mirror, and removes what a clone that was killed has left.
func (p *PublicInbox) mirrorDir(u *url.URL) (string, error) {
	cache, err := filepath.Abs(p.opt.Cache)
	if err != nil {
		return "", fmt.Errorf("find the cache of public-inboxes: %w", err)
	}
	plain := func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r) {
			return r
		}
		return '-'
	}
	sum := sha256.Sum256([]byte(u.String()))
	name := strings.Trim(strings.Map(plain, u.Hostname()+u.Path), "-")
	dir := filepath.Join(cache, fmt.Sprintf("%.60s-%x", name, sum[:4]))
	if err := os.MkdirAll(filepath.Join(dir, "git"), 0o750); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "make a mirror of %s", p.location)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "clone-*"))
	for _, l := range left {
		os.RemoveAll(l)
	}
	return dir, nil
}

// cloneEpochs clones the epochs that follow on those known. Sites offer them at LIST/0 and at LIST/git/0.git; an archive of version 1 is the
// address itself.
func cloneEpochs(ctx context.Context, u *url.URL, dir string, known []epoch) error {
	if len(known) == 1 && known[0].name == "single" {
		return nil
	}
	for n := len(known); ; n++ {
		target := filepath.Join(dir, "git", fmt.Sprintf("%d.git", n))
		first := clone(ctx, fmt.Sprintf("%s/%d", u, n), dir, target)
		if first == nil || clone(ctx, fmt.Sprintf("%s/git/%d.git", u, n), dir, target) == nil {
			continue
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case n > 0: // there are no more yet
			return nil
		}
		if err := clone(ctx, u.String(), dir, filepath.Join(dir, ".git")); err != nil {
			return fmt.Errorf("clone %s/0: %w; and %s: %w", u, first, u, err)
		}
		return nil
	}
}

// clone makes a mirror at target, whole or not at all.
func clone(ctx context.Context, from, dir, target string) error {
	temp, err := os.MkdirTemp(dir, "clone-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "make a directory for a clone")
	}
	defer os.RemoveAll(temp)
	fresh := filepath.Join(temp, "mirror.git")
	if _, err := gitOutput(ctx, "", "clone", "--quiet", "--mirror", "--", from, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, target)
}
