// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

const heading = `# patchwork.toml: configuration of Patchwork
#
# Files are read in this order, later ones win: /etc/patchwork.toml, ./patchwork.toml, the one $PATCHWORK_TOML names.
# An environment variable wins over all files, a flag over all else: http.base-url is PW_HTTP_BASE_URL and --http-base-url.
# Keys may be left out; their defaults apply. Durations: 500ms 10m 12h 30d 2w. Sizes: 512KiB 50MiB 1GiB.
# "pw config check" finds mistakes.
`

// PrintOptions change what Print writes. The zero value is safe to show.
type PrintOptions struct {
	Secrets bool              // write passwords; otherwise REDACTED stands in their place, which Load refuses
	Origin  map[string]string // of Loaded: each key tells where its value comes from
}

// Print writes a complete patchwork.toml with the values of c and a comment for each key. Load gives c again for it, as long as c has
// no secrets or they were to be printed.
func Print(w io.Writer, c *Config, opt PrintOptions) error {
	var b strings.Builder
	b.WriteString(heading)
	copied := *c
	section := ""
	for _, k := range table(&copied) {
		if s, _, ok := strings.Cut(k.Name, "."); ok && s != section {
			section = s
			fmt.Fprintf(&b, "\n[%s]", section)
		}
		b.WriteString("\n")
		k.print(&b, opt)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (k Key) print(b *strings.Builder, opt PrintOptions) {
	for line := range strings.Lines(k.Help) {
		b.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
	}
	if opt.Origin != nil {
		origin := opt.Origin[k.Name]
		if origin == "" {
			origin = "default"
		}
		fmt.Fprintf(b, "# (%s)\n", origin)
	}
	b.WriteString(k.TOML(opt.Secrets) + "\n")
}

// TOML is the line of the key in a file, with its current value: `listen = "127.0.0.1:8080"`. Without secrets REDACTED stands in the
// place of a password.
func (k Key) TOML(secrets bool) string {
	items := k.value.items()
	if k.Secret && !secrets {
		items = []string{k.hide(items[0])}
	}
	value := items
	if k.kind != kindBool && k.kind != kindInt {
		value = nil
		for _, item := range items {
			value = append(value, Quote(item))
		}
	}
	joined := strings.Join(value, ", ")
	if k.kind == kindList {
		joined = "[" + joined + "]"
	}
	return k.Name[strings.IndexByte(k.Name, '.')+1:] + " = " + joined
}

// Quote makes a TOML basic string: in double quotes, with escapes.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
