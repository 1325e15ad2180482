package policy

import (
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxYAMLNodes bounds how many nodes are visited, aliases followed each time:
// a few lines of nested aliases stand for billions.
const maxYAMLNodes = 100_000

// loadYAML parses the one document of a text and resolves its aliases and
// merge keys; nil for an empty text. YAML 1.1's booleans stay text.
func loadYAML(text string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("several documents")
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errors.New("no document")
	}
	budget := maxYAMLNodes
	return resolve(document.Content[0], nil, &budget)
}

// resolve copies a tree without aliases. The ancestors catch an anchor that
// holds itself.
func resolve(n *yaml.Node, ancestors []*yaml.Node, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 {
		return nil, errors.New("too many nodes")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || slices.Contains(ancestors, n) {
		return nil, errors.New("an anchor that holds itself")
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value, Line: n.Line, Style: n.Style}
	ancestors = append(ancestors, n)
	for i, child := range n.Content {
		r, err := resolve(child, ancestors, budget)
		if err != nil {
			return nil, err
		}
		// A merge key's value is a mapping or a list of them; what they hold
		// counts as if it stood here.
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].ShortTag() == "!!merge" {
			out.Content = out.Content[:len(out.Content)-1]
			merged := []*yaml.Node{r}
			if r.Kind == yaml.SequenceNode {
				merged = r.Content
			}
			for _, m := range merged {
				if m.Kind == yaml.MappingNode {
					out.Content = append(out.Content, m.Content...)
				}
			}
			continue
		}
		out.Content = append(out.Content, r)
	}
	return out, nil
}

// pairs gives the keys and values of a mapping, each key in the spelling that
// cloud-init compares: '-' as '_'. Of a doubled key all values are given.
func pairs(n *yaml.Node, visit func(key string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(strings.ReplaceAll(n.Content[i].Value, "-", "_"), n.Content[i+1])
	}
}

// items gives the items of a sequence, or the node itself if it is none.
func items(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// yes tells whether cloud-init takes a scalar for true (YAML 1.1 and
// cloud-init's own list).
func yes(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && slices.Contains([]string{"true", "yes", "on", "y", "1"}, strings.ToLower(n.Value))
}

func no(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && slices.Contains([]string{"false", "no", "off", "n", "0"}, strings.ToLower(n.Value))
}

// empty tells whether a value is null or has nothing in it.
func empty(n *yaml.Node) bool {
	return (n.Kind == yaml.ScalarNode && (n.Value == "" || n.Tag == "!!null")) || (n.Kind != yaml.ScalarNode && len(n.Content) == 0)
}
