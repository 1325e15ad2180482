package google

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// An operation may fail while a list is under way that began before: a fresh
// look must not be answered by it.
func TestFreshListsBeginAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := 0
		rules := newIndex(func(name string) string { return name }, func(context.Context) ([]string, error) {
			lists++
			time.Sleep(time.Second)
			return nil, nil
		})
		go func() { _, _ = rules.all(t.Context(), true) }()
		synctest.Wait()
		rules.put("rule") // accepted, and its operation fails
		for range 3 {     // who looks at the same time shares the list
			go func() { _, _ = rules.all(t.Context(), true) }()
		}
		synctest.Wait()
		found, err := rules.all(t.Context(), true)
		if err != nil || len(found) != 0 {
			t.Errorf("a fresh list holds %v, %v: what was written, and is not there", found, err)
		}
		if lists != 2 {
			t.Errorf("%d lists, want the one under way and one for all who asked meanwhile", lists)
		}
		if _, err := rules.all(t.Context(), false); err != nil || lists != 2 {
			t.Errorf("%d lists, %v: any list of this run would have done", lists, err)
		}
	})
}
