// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// jsonFlag declares --json, which all commands that list something have.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print a JSON array of objects")
}

// printList writes rows as a table for people or, asked for --json, for programs. The header holds the names of the columns in
// snake_case, which are the keys of the JSON objects.
func printList(w io.Writer, asJSON bool, header []string, rows [][]any) error {
	if asJSON {
		return printJSON(w, header, rows)
	}
	return printTable(w, header, rows)
}

// printTable aligns the columns and writes the header in capitals, also when there is no row.
func printTable(w io.Writer, header []string, rows [][]any) error {
	lines := make([][]string, 1, len(rows)+1)
	for _, name := range header {
		lines[0] = append(lines[0], strings.ToUpper(strings.ReplaceAll(name, "_", " ")))
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = cell(v)
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(header))
	for _, line := range lines {
		for i, s := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(align(line, widths) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func align(line []string, widths []int) string {
	var b strings.Builder
	for i, s := range line {
		b.WriteString(s + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(s)+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// cell is a value as text for a terminal. Names come from mail: a control character in one must not reach the terminal.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return cell(strings.Join(v, ", "))
	case []int64:
		return cell(strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ", "))
	}
	s := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, fmt.Sprint(v))
	if s == "" {
		return "-"
	}
	return s
}

// printJSON writes one object per line, its keys in the order of the header.
func printJSON(w io.Writer, header []string, rows [][]any) error {
	var b bytes.Buffer
	b.WriteString("[")
	for i, row := range rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  {")
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			text, err := jsonText(v)
			if err != nil {
				return fmt.Errorf("print %s: %w", header[j], err)
			}
			fmt.Fprintf(&b, "%q: %s", header[j], text)
		}
		b.WriteString("}")
	}
	if len(rows) > 0 {
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	_, err := w.Write(b.Bytes())
	return err
}

// jsonText keeps numbers, booleans and lists; what prints itself, such as a time, is its text. A list that is nil is empty.
func jsonText(v any) ([]byte, error) {
	switch t := v.(type) {
	case []string:
		if t == nil {
			return []byte("[]"), nil
		}
	case json.Marshaler:
	case fmt.Stringer:
		v = t.String()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}
