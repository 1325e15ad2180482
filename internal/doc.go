// Package internal groups the packages of the Holdfast provider; see CONTRIBUTING.md for the map of the tree and for who may import whom.
package internal
