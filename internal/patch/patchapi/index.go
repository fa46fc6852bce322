// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"net/http"

	"patchwork.example/pw/internal/rest"
)

// Index is where the lists are, at the root of the API.
type Index struct {
	Projects string `json:"projects"`
	Users    string `json:"users"`
	People   string `json:"people"`
	Patches  string `json:"patches"`
	Covers   string `json:"covers"`
	Series   string `json:"series"`
	Events   string `json:"events"`
	Bundles  string `json:"bundles"`
}

func (f *face) indexRoutes() []rest.Route {
	return []rest.Route{{Path: "/", Tag: "index", Methods: map[string]rest.Op{"GET": {Do: index, Doc: "Where the lists are", Answer: Index{}}}}}
}

func index(c *rest.Call) error {
	at := func(noun string) string { return c.API + "/" + noun + "/" }
	return c.JSON(http.StatusOK, Index{Projects: at("projects"), Users: at("users"), People: at("people"), Patches: at("patches"), Covers: at("covers"), Series: at("series"),
		Events: at("events"), Bundles: at("bundles")})
}
