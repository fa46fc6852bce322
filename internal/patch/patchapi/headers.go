// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"strings"

	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/rest"
)

// Headers is the header of a mail as text. In answers it is an object: each name has its value, one that is there several times a list of them. Folds stay, and
// encoded words are not decoded, as in Patchwork 3.2.
type Headers string

// JSONSchema says what is written.
func (h Headers) JSONSchema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "array"}, "items": map[string]any{"type": "string"}}}
}

// MarshalJSON implements json.Marshaler. Names stand in the order in which they come first; those that differ in letter case only have the values of all.
func (h Headers) MarshalJSON() ([]byte, error) {
	fields := mailmsg.Parse([]byte(string(h) + "\n\n")).Header
	values := map[string][]string{}
	for _, f := range fields {
		key := strings.ToLower(f.Name)
		values[key] = append(values[key], f.Value)
	}
	to := []byte{'{'}
	done := map[string]bool{}
	for _, f := range fields {
		if done[f.Name] {
			continue
		}
		done[f.Name] = true
		var value any = values[strings.ToLower(f.Name)]
		if all := values[strings.ToLower(f.Name)]; len(all) == 1 {
			value = all[0]
		}
		name, err := rest.Marshal(rest.Newest, f.Name)
		if err != nil {
			return nil, err
		}
		text, err := rest.Marshal(rest.Newest, value)
		if err != nil {
			return nil, err
		}
		if len(to) > 1 {
			to = append(to, ',')
		}
		to = append(append(append(to, name...), ':'), text...)
	}
	return append(to, '}'), nil
}
