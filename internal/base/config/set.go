// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// setText takes a value of the environment or a flag. The error tells the value, unless it is secret, and what is accepted.
func (k Key) setText(s string) error {
	items := []string{s}
	if k.kind == kindList {
		items = splitList(s)
	}
	return k.set(items, strconv.Quote(s))
}

// setTOML takes a value of a file, which must have the TOML type of the key.
func (k Key) setTOML(v any) error {
	items, ok := k.kind.itemsOf(v)
	if !ok {
		return k.refuse(describe(v))
	}
	return k.set(items, describe(v))
}

func (k Key) set(items []string, shown string) error {
	if k.Secret && strings.Contains(items[0], redacted) && k.hide(items[0]) == items[0] {
		return fmt.Errorf("holds %s, which %q writes in place of a password; write the password there", redacted, "pw config --current")
	}
	if !k.value.set(items) {
		return k.refuse(shown)
	}
	return nil
}

func (k Key) refuse(shown string) error {
	if k.Secret {
		return errors.New("is not accepted; want " + k.Accepts)
	}
	return fmt.Errorf("can't be %s; want %s", passwordInAddress.ReplaceAllString(shown, "${1}"+redacted+"@"), k.Accepts)
}

// passwordInAddress finds what somebody wrote into an address that takes no password.
var passwordInAddress = regexp.MustCompile(`(://[^:@/]*:)[^@]*@`)

// itemsOf turns a TOML value into text. A list may also be one string, as in the environment.
func (kd kind) itemsOf(v any) (items []string, ok bool) {
	switch v := v.(type) {
	case bool:
		return []string{strconv.FormatBool(v)}, kd == kindBool
	case int64:
		return []string{strconv.FormatInt(v, 10)}, kd == kindInt || kd == kindSize || kd == kindDuration && v == 0
	case string:
		if kd == kindList {
			return splitList(v), true
		}
		return []string{v}, kd != kindBool && kd != kindInt
	case []any:
		for _, item := range v {
			s, isString := item.(string)
			if !isString {
				return nil, false
			}
			items = append(items, s)
		}
		return items, kd == kindList
	}
	return nil, false
}

// splitList splits at commas that are not inside double quotes; the text "" has no items.
func splitList(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var items []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			items = append(items, s[start:i])
			start = i + 1
		}
	}
	return append(items, s[start:])
}

// describe shows a TOML value in an error.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "a table"
	case []any:
		all := make([]string, 0, len(v))
		for _, item := range v {
			all = append(all, describe(item))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(v)
}
