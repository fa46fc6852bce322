// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"strings"

	"patchwork.example/pw/internal/base/clock"
)

// column is one column of a noun. Its name is in snake_case; JSON has all columns, tables only those that are short.
type column[T any] struct {
	name  string
	table bool
	value func(T) any
}

func printRows[T any](w io.Writer, asJSON bool, columns []column[T], found []T) error {
	var shown []column[T]
	var header []string
	for _, col := range columns {
		if asJSON || col.table {
			shown = append(shown, col)
			header = append(header, col.name)
		}
	}
	rows := make([][]any, 0, len(found))
	for _, x := range found {
		var row []any
		for _, col := range shown {
			row = append(row, col.value(x))
		}
		rows = append(rows, row)
	}
	return printList(w, asJSON, header, rows)
}

// printOne writes a column per line, or a JSON object.
func printOne[T any](w io.Writer, asJSON bool, columns []column[T], x T) error {
	var b strings.Builder
	width := 0
	for _, col := range columns {
		width = max(width, len(col.name))
	}
	for i, col := range columns {
		if !asJSON {
			fmt.Fprintf(&b, "%-*s  %s\n", width, strings.ReplaceAll(col.name, "_", " "), lines(col.value(x), width+2))
			continue
		}
		text, err := jsonText(col.value(x))
		if err != nil {
			return fmt.Errorf("print %s: %w", col.name, err)
		}
		separator := ",\n"
		if i == 0 {
			separator = "{\n"
		}
		fmt.Fprintf(&b, "%s  %q: %s", separator, col.name, text)
	}
	if asJSON {
		b.WriteString("\n}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines is a cell whose text may have several lines; those after the first are indented.
func lines(v any, indent int) string {
	text, ok := v.(string)
	if !ok {
		return cell(v)
	}
	parts := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, p := range parts {
		if p != "" || len(parts) == 1 {
			parts[i] = cell(p)
		}
	}
	return strings.Join(parts, "\n"+strings.Repeat(" ", indent))
}

// orNone is a number of something as a column shows it; 0 is none.
func orNone(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// orNil is a time as a column that may be unset shows it.
func orNil(t *clock.Time) any {
	if t == nil {
		return nil
	}
	return *t
}
