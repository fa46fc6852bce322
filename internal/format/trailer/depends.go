// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// MaxDependencies is how many dependencies of one mail are looked at.
const MaxDependencies = 100

// Kind tells what a dependency names.
type Kind int

const (
	// MessageID is a mail, in any project.
	MessageID Kind = iota + 1
	// SeriesID is a series of this site.
	SeriesID
	// PatchPath is the page of a patch or cover letter of this site.
	PatchPath
)

// Dependency is one thing that a patch or series says it builds upon.
type Dependency struct {
	Kind Kind
	// Value is the message id with its angle brackets, of the patch too; ""
	// for a series.
	Value string
	// Series is the number of a series, 0 for the other kinds.
	Series int64
	// Project is the link name in the path of a patch or series, or "".
	Project string
}

// dependencyKeys are the words in front of a dependency: Patchwork's own,
// QEMU's and b4's.
var dependencyKeys = [...]string{"Depends-on:", "Based-on:", "prerequisite-message-id:"}

// Dependencies returns what the lines `Depends-on: <id>` and `Depends-on: URL`
// of text name, each once, in their order, at most MaxDependencies. Of a URL
// only the path counts: a patch list with a series query, the page of a patch
// or cover letter, or an archive address that ends in a message id. More than
// Patchwork 3.2 accepts are message ids without brackets, other white space
// after the colon, archive addresses, and the keys Based-on and
// prerequisite-message-id. A line with more than one word after the key names
// nothing.
func Dependencies(text string) []Dependency {
	var found []Dependency
	for line := range strings.SplitSeq(text, "\n") {
		value, ok := dependencyValue(line)
		if !ok {
			continue
		}
		if d, ok := dependency(value); ok && !slices.Contains(found, d) {
			found = append(found, d)
		}
		if len(found) == MaxDependencies {
			break
		}
	}
	return found
}

func dependencyValue(line string) (value string, ok bool) {
	// Most lines fail on their first byte.
	if line == "" || !strings.ContainsRune("dDbBpP", rune(line[0])) {
		return "", false
	}
	for _, key := range dependencyKeys {
		if len(line) > len(key) && strings.EqualFold(line[:len(key)], key) {
			return fold.Trim(line[len(key):]), true
		}
	}
	return "", false
}

func dependency(value string) (d Dependency, ok bool) {
	switch {
	case strings.ContainsFunc(value, fold.IsSpace):
		return d, false
	case hasScheme(value):
		return fromURL(value)
	}
	return mail(strings.TrimSuffix(strings.TrimPrefix(value, "<"), ">"))
}

func hasScheme(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// mail makes a dependency of a message id without brackets.
func mail(id string) (d Dependency, ok bool) {
	if at := strings.IndexByte(id, '@'); at <= 0 || at == len(id)-1 || strings.ContainsAny(id, "<>") {
		return d, false
	}
	return Dependency{Kind: MessageID, Value: "<" + id + ">"}, true
}

func fromURL(s string) (d Dependency, ok bool) {
	u, err := url.Parse(s)
	if err != nil {
		return d, false
	}
	path := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	if path[len(path)-1] != "list" {
		return fromPath(path)
	}
	d.Series, err = strconv.ParseInt(u.Query().Get("series"), 10, 64)
	d.Kind, d.Project = SeriesID, project(path[:len(path)-1])
	return d, err == nil && d.Series > 0
}

// fromPath takes the last part of a path that is a message id.
func fromPath(path []string) (d Dependency, ok bool) {
	for n := len(path) - 1; n >= 0; n-- {
		id, err := url.PathUnescape(path[n])
		if err != nil {
			return d, false
		}
		if d, ok = mail(id); !ok {
			continue
		}
		if n > 0 && (path[n-1] == "patch" || path[n-1] == "cover") {
			if d.Project = project(path[:n-1]); d.Project != "" {
				d.Kind = PatchPath
			}
		}
		return d, true
	}
	return d, false
}

// project is the link name of a path that ends in project/P, or "".
func project(path []string) string {
	n := len(path)
	if n < 2 || path[n-2] != "project" {
		return ""
	}
	name, err := url.PathUnescape(path[n-1])
	if err != nil {
		return ""
	}
	return name
}
