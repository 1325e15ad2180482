// Package cloud is the neutral model of what Holdfast declares: specs,
// observed objects, the small interfaces that a driver implements for each
// noun, and the typed errors that drivers answer with.
//
// It imports only the standard library, so that every other package may
// import it. It knows no vendor: the words are those of DESIGN's vocabulary
// (cloud, location, tenant, tier, deployment).
package cloud
