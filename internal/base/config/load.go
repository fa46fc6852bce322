// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// FileVariable names the environment variable that holds the path of one more configuration file.
const FileVariable = "PATCHWORK_TOML"

// Sources are what a configuration is read from; later ones win over earlier ones, and each names only what it sets.
type Sources struct {
	Files []File            // in order
	Env   []string          // NAME=value as of os.Environ; only names with PW_ are looked at
	Flags map[string]string // by the name of the key
}

// File is a configuration file; one that is not Required may be missing.
type File struct {
	Path     string
	Required bool
}

// StandardFiles are /etc/patchwork.toml, ./patchwork.toml and, if the variable is set, $PATCHWORK_TOML, which must exist then.
func StandardFiles(environ []string) []File {
	files := []File{{Path: "/etc/patchwork.toml"}, {Path: "patchwork.toml"}}
	for _, e := range environ {
		if path, ok := strings.CutPrefix(e, FileVariable+"="); ok && path != "" {
			files = append(files, File{Path: path, Required: true})
		}
	}
	return files
}

// Loaded is the outcome of Load.
type Loaded struct {
	Config *Config
	Files  []string          // those that exist and were read
	Origin map[string]string // by key: patchwork.toml:12, PW_HTTP_LISTEN, --http-listen; keys at their default are missing
}

// Load reads all sources and reports everything that is wrong with them at once: the error is fault.Invalid with one line per
// finding, which begins with its file and line, variable or flag, and never shows the value of a secret key. Then only Files and
// Origin of the Loaded are of use. A file that is Required and missing, or that can't be read, is such a finding too.
func Load(src Sources) (*Loaded, error) {
	c := Default()
	l := &loader{keys: table(c), out: &Loaded{Config: c, Origin: map[string]string{}}, failed: map[string]bool{}}
	l.known = namesOf(l.keys)
	for _, f := range src.Files {
		l.file(f)
	}
	l.environment(src.Env)
	for _, name := range slices.Sorted(maps.Keys(src.Flags)) {
		l.flag(name, src.Flags[name])
	}
	l.checkTogether()
	if c.Notify.From.Address == "" {
		c.Notify.From = c.SMTP.From
	}
	return l.out, errors.Join(l.errs...)
}

type loader struct {
	keys   []Key
	known  names
	out    *Loaded
	failed map[string]bool // keys that were given something they don't take
	errs   []error
}

func (l *loader) add(format string, args ...any) {
	l.errs = append(l.errs, fault.New(fault.Invalid, format, args...))
}

func (l *loader) find(name string) (Key, bool) {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return l.keys[i], true
}

// note keeps where the value of k comes from, or what is wrong with it.
func (l *loader) note(k Key, origin string, err error) {
	if err != nil {
		l.failed[k.Name] = true
		l.add("%s: %s %w", origin, k.Name, err)
		return
	}
	l.out.Origin[k.Name] = origin
}

func (l *loader) file(f File) {
	data, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) && !f.Required {
		return
	}
	if err != nil {
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			err = pe.Err
		}
		l.add("%s: can't be read: %w", f.Path, err)
		return
	}
	l.out.Files = append(l.out.Files, f.Path)
	entries, problems := parseFile(data, l.known)
	for _, e := range entries {
		k, ok := l.find(e.name)
		if !ok {
			problems = append(problems, problem{e.line, l.known.unknownKey(e.name)})
		} else if err := k.setTOML(e.value); err != nil {
			l.failed[k.Name] = true
			problems = append(problems, problem{e.line, k.Name + " " + err.Error()})
		} else {
			l.out.Origin[k.Name] = fmt.Sprintf("%s:%d", f.Path, e.line)
		}
	}
	slices.SortStableFunc(problems, func(a, b problem) int { return a.line - b.line })
	for _, p := range problems {
		l.add("%s:%d: %s", f.Path, p.line, p.text)
	}
}

func (l *loader) environment(environ []string) {
	var envs []string
	byEnv := map[string]Key{}
	for _, k := range l.keys {
		envs = append(envs, k.Env())
		byEnv[k.Env()] = k
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, envPrefix) || forTests(name) {
			continue
		}
		if k, ok := byEnv[name]; ok {
			l.note(k, name, k.setText(value))
		} else {
			l.add("environment: unknown variable %s%s", name, didYouMean(name, envs))
		}
	}
}

// forTests names the variables that steer the project's own tests, which run pw.
func forTests(name string) bool {
	return name == "PW_SHARED" || name == "PW_SOAK" || name == "PW_CPUPROFILE" || strings.HasPrefix(name, "PW_TEST_")
}

func (l *loader) flag(name, value string) {
	if k, ok := l.find(name); ok {
		l.note(k, "--"+k.Flag(), k.setText(value))
	} else {
		l.add("flags: %s", l.known.unknownKey(name))
	}
}
