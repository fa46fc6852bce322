// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/apiseed"
)

// TestOpenAPI wants every schema of the documents to be sound, and a real answer of each operation, in each version, to be as its document says.
func TestOpenAPI(t *testing.T) {
	k := newKit(t, sqldb.SQLite)
	docs := readDocuments(t, k.Client)
	s := newSamples(k)
	for _, v := range versions {
		names := map[string]string{}
		for _, o := range docs[v].operations {
			id, _ := o.node["operationId"].(string)
			if id == "" || names[id] != "" {
				t.Errorf("%s: operationId %q is that of %s too", o, id, names[id])
			}
			names[id] = o.String()
			if o.path == "/openapi.json" || strings.Contains(o.path, "/stream") {
				continue
			}
			s.ask(o)
		}
		if len(names) < 19 {
			t.Errorf("%s has %d operations", v, len(names))
		}
	}
}

// samples knows a right request of each operation.
type samples struct {
	*kit
	bodies map[string]func() string // by method and path
	values map[string]string        // of the first parameter in a path, by what it stands in
	inner  map[string]string        // of the second
	made   int
}

func newSamples(k *kit) *samples {
	s := &samples{kit: k}
	bundle := k.bundle("maint", "sample", true, 1, 2)
	check := k.check("maint", 1, `{"state":"success","context":"ci"}`)
	number := func(id int64) string { return fmt.Sprint(id) }
	s.values = map[string]string{"patches": number(k.Patches[1]), "covers": number(k.Covers[1]), "series": number(k.Series[1]), "bundles": number(bundle), "people": number(k.Persons["dev"]),
		"users": number(k.Users["maint"]), "projects": "alpha", "changes": fmt.Sprint(k.is(k.Do("maint", "GET", "/api/1.4/changes/", ""), 200).At("0.id"))}
	s.inner = map[string]string{"patches checks": number(check), "patches comments": number(k.Comments[1]), "covers comments": number(k.Replies[1])}
	hook := k.webhook()
	delivery := k.is(k.Do("maint", "POST", fmt.Sprintf("/api/1.4/projects/alpha/webhooks/%v/ping/", hook), ""), 202).At("id")
	s.inner["projects webhooks"], s.inner["webhooks deliveries"] = fmt.Sprint(hook), fmt.Sprint(delivery)
	s.bodies = map[string]func() string{
		"PATCH /patches/":                                        func() string { return fmt.Sprintf(`{"ids":[%d],"state":"rfc","dry_run":true}`, k.Patches[1]) },
		"PATCH /patches/{}/":                                     func() string { return `{"state":"rfc"}` },
		"PUT /patches/{}/":                                       func() string { return `{"state":"new","delegate":null}` },
		"POST /patches/{}/checks/":                               func() string { return `{"state":"fail"}` },
		"PATCH /patches/{}/checks/{}/":                           func() string { return `{"state":"success"}` },
		"PUT /patches/{}/checks/{}/":                             func() string { return `{"state":"success"}` },
		"PATCH /patches/{}/comments/{}/":                         func() string { return `{"addressed":true}` },
		"PUT /patches/{}/comments/{}/":                           func() string { return `{"addressed":false}` },
		"PATCH /covers/{}/comments/{}/":                          func() string { return `{"addressed":true}` },
		"PUT /covers/{}/comments/{}/":                            func() string { return `{"addressed":false}` },
		"PATCH /projects/{}/":                                    func() string { return `{"web_url":"https://x.example/"}` },
		"PUT /projects/{}/":                                      func() string { return `{}` },
		"PUT /people/{}/bot/":                                    func() string { return `{"bot":false}` },
		"POST /changes/{}/undo/":                                 func() string { return "" },
		"PATCH /users/{}/":                                       func() string { return `{"first_name":"Mia"}` },
		"PUT /users/{}/":                                         func() string { return `{"first_name":"Mia","settings":{"items_per_page":50}}` },
		"PATCH /series/{}/":                                      func() string { return `{"version":2}` },
		"POST /bundles/":                                         func() string { s.made++; return fmt.Sprintf(`{"name":"b%d","patches":[%d]}`, s.made, k.Patches[1]) },
		"PATCH /bundles/{}/":                                     func() string { return `{"public":true}` },
		"PUT /bundles/{}/":                                       func() string { return fmt.Sprintf(`{"name":"sample","patches":[%d]}`, k.Patches[2]) },
		"POST /projects/{}/webhooks/":                            func() string { return `{"url":"https://hooks.example/y","events":["patch-created"]}` },
		"PATCH /projects/{}/webhooks/{}/":                        func() string { return `{"active":true}` },
		"PUT /projects/{}/webhooks/{}/":                          func() string { return `{"url":"https://hooks.example/z","events":["patch-created"]}` },
		"DELETE /projects/{}/webhooks/{}/":                       func() string { return "" },
		"POST /projects/{}/webhooks/{}/ping/":                    func() string { return "" },
		"POST /projects/{}/webhooks/{}/deliveries/{}/redeliver/": func() string { return "" },
		"POST /projects/{}/webhooks/{}/deliveries/{}/skip/":      func() string { return "" },
		"DELETE /bundles/{}/":                                    func() string { return "" },
	}
	return s
}

func (k *kit) webhook() any {
	k.t.Helper()
	return k.is(k.Do("maint", "POST", "/api/1.4/projects/alpha/webhooks/", `{"url":"https://hooks.example/x","events":["patch-created"]}`), 201).At("id")
}

// ask sends a right request of an operation and wants the success that is documented.
func (s *samples) ask(o *operation) {
	s.t.Helper()
	parts := strings.Split(strings.Trim(o.path, "/"), "/")
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		switch i {
		case 1:
			parts[i] = s.values[parts[0]]
		case 3:
			parts[i] = s.inner[parts[0]+" "+parts[2]]
		default:
			parts[i] = s.inner[parts[2]+" "+parts[4]]
		}
	}
	path := "/" + strings.Join(parts, "/") + "/"
	if o.path == "/" {
		path = "/"
	}
	key := o.method + " " + template(o.path)
	body := ""
	if o.method != "GET" {
		make := s.bodies[key]
		if make == nil {
			s.t.Errorf("no right request of %s is known", key)
			return
		}
		body = make()
	}
	if o.method == "DELETE" { // of what is made for it
		s.made++
		path = strings.Replace(path, "/bundles/"+s.values["bundles"]+"/", fmt.Sprintf("/bundles/%d/", s.bundle("maint", fmt.Sprintf("gone %d", s.made), true, 1)), 1)
		path = strings.Replace(path, "/webhooks/"+s.inner["projects webhooks"]+"/", fmt.Sprintf("/webhooks/%v/", s.webhook()), 1)
	}
	who := "maint"
	if key == "PUT /people/{}/bot/" {
		who = "root"
	}
	a := s.Do(who, o.method, "/api/"+o.doc.version+path, body)
	if a.Status >= 300 {
		s.t.Errorf("%s: %d %.300s", a.Request, a.Status, a.Body)
	}
	if wrong := o.wrong(a); wrong != "" {
		s.t.Errorf("%s: %s", a.Request, wrong)
	}
	if o.method == "GET" { // what is said to others, and of what is not there
		for _, a := range []apiseed.Answer{s.Get("", "/api/"+o.doc.version+path), s.Get("joe", "/api/"+o.doc.version+path), s.Get("maint", "/api/"+o.doc.version+strings.ReplaceAll(path, parts[min(1, len(parts)-1)], "99999999"))} {
			if known, _ := (documents{o.doc.version: o.doc, "1.4": o.doc}).find(a.Method, a.Address); known == o {
				if wrong := o.wrong(a); wrong != "" {
					s.t.Errorf("%s: %s", a.Request, wrong)
				}
			}
		}
	}
}

// template is a path without the names of its parameters.
func template(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}
