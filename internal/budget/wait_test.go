package budget

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// fakeOperations end at their time, or never, or in failure.
type fakeOperations struct {
	mu    sync.Mutex
	ends  map[string]time.Time
	fails map[string]bool
	polls int
	asked int
	err   error
	// hang lets polls wait for their context's end.
	hang bool
}

func (f *fakeOperations) add(id string, d time.Duration) cloud.Operation {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ends == nil {
		f.ends = map[string]time.Time{}
	}
	f.ends[id] = time.Now().Add(d)
	return cloud.Operation{ID: id, Command: "create_server"}
}

func (f *fakeOperations) running(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.ends[id])
}

func (f *fakeOperations) MaxOperationsPerPoll() int { return 50 }

func (f *fakeOperations) PollOperations(ctx context.Context, ids []string) ([]cloud.OperationStatus, error) {
	if f.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	f.asked += len(ids)
	if len(ids) == 0 || len(ids) > 50 {
		return nil, fmt.Errorf("%d ids in one poll", len(ids))
	}
	if f.err != nil {
		return nil, f.err
	}
	var statuses []cloud.OperationStatus
	for _, id := range ids {
		status := cloud.OperationStatus{ID: id}
		if !time.Now().Before(f.ends[id]) {
			status.Done = true
			if f.fails[id] {
				status.Err = &cloud.Error{Code: cloud.CodeOperationFailed, ID: id}
			}
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

func relaxed() Pressure { return Pressure{Full: 1} }

func TestWaiterSharesPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		var group sync.WaitGroup
		// Ten at a time, a hundred in all: as Terraform does it.
		slots := make(chan struct{}, 10)
		began := time.Now()
		for i := range 100 {
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				create := operations.add(fmt.Sprintf("c%d", i), 6*time.Second)
				start := operations.add(fmt.Sprintf("s%d", i), 9*time.Second)
				if err := waiter.Wait(t.Context(), create, start); err != nil {
					t.Error(err)
				}
				if operations.running(start.ID) {
					t.Error("Wait returned too early")
				}
			})
		}
		group.Wait()
		if operations.polls > 40 {
			t.Errorf("%d polls for 100 servers, want at most 40", operations.polls)
		}
		if took := time.Since(began); took > 120*time.Second {
			t.Errorf("took %s, the operations alone 90 s", took)
		}
		synctest.Wait()
		if waiter.running {
			t.Error("the waiter's goroutine still runs")
		}
	})
}

func TestWaiterSavesPollsWhenRequestsAreScarce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, func() Pressure { return Pressure{Full: 0, Waiting: 40} })
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 4 * time.Second)
				if err := waiter.Wait(t.Context(), operations.add(fmt.Sprint(i), 9*time.Second)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if operations.polls > 25 {
			t.Errorf("%d polls in 400 s, want at most 25", operations.polls)
		}
	})
}

func TestWaiterManyAtOnceNeedFewPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				if err := waiter.Wait(t.Context(), operations.add(fmt.Sprint(i), 500*time.Millisecond)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if operations.polls > 12 {
			t.Errorf("%d polls for 500 operations, want at most 12", operations.polls)
		}
	})
}

func TestWaiterReportsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{fails: map[string]bool{"bad": true}}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		err := waiter.Wait(t.Context(), operations.add("bad", time.Second), operations.add("good", 2*time.Second))
		if cloud.CodeOf(err) != cloud.CodeOperationFailed {
			t.Errorf("error %v, want operation_failed", err)
		}
	})
}

func TestWaiterOutlastsPassingErrorsButNotFinalOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{err: &cloud.Error{Code: cloud.CodeUnavailable}}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		go func() {
			time.Sleep(30 * time.Second)
			operations.mu.Lock()
			operations.err = nil
			operations.mu.Unlock()
		}()
		if err := waiter.Wait(t.Context(), operations.add("a", time.Second)); err != nil {
			t.Errorf("a passing error ended the wait: %v", err)
		}
		operations.err = &cloud.Error{Code: cloud.CodeUnauthorized}
		if err := waiter.Wait(t.Context(), operations.add("b", time.Second)); cloud.CodeOf(err) != cloud.CodeUnauthorized {
			t.Errorf("error %v, want unauthorized", err)
		}
	})
}

func TestWaiterObeysTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := waiter.Wait(ctx, operations.add("stuck", time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		synctest.Wait()
		if waiter.running {
			t.Error("polls go on although nobody waits")
		}
	})
}

func TestWaiterAsksAboutTheLongestOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		begin := func(command string, i int, d time.Duration) cloud.Operation {
			operation := operations.add(fmt.Sprint(command, i), d)
			operation.Command = command
			return operation
		}
		var group sync.WaitGroup
		slots := make(chan struct{}, 50)
		for i := range 500 {
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := waiter.Wait(t.Context(), begin("create", i, 6*time.Second), begin("start", i, 9*time.Second),
					begin("attach", i, 8*time.Second), begin("firewall", i, 7*time.Second))
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		// 500 starts in full polls take 10, the other 1,500 actions 30 more.
		if operations.polls > 75 {
			t.Errorf("%d polls for 2,000 operations, want at most 75", operations.polls)
		}
		synctest.Wait() // the last poll's lesson comes after its news
		if got := waiter.usual["start"]; got < 7*time.Second || got > 10*time.Second {
			t.Errorf("learned that a start takes %s, want about 9 s", got)
		}
	})
}

func TestWaiterCancelsAPollThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{hang: true}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := waiter.Wait(ctx, operations.add("a", time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		synctest.Wait()
		if waiter.running {
			t.Error("the poll goes on although nobody waits")
		}
	})
}

func TestWaiterDoesNotTakeItsOwnPatienceForTheVendors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 9 * time.Second
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, func() Pressure { return Pressure{Full: 0.05, Waiting: 1} })
		var last time.Duration
		for cohort := range 30 {
			began := time.Now()
			var group sync.WaitGroup
			for i := range 40 {
				group.Go(func() {
					if err := waiter.Wait(t.Context(), operations.add(fmt.Sprintf("%d-%d", cohort, i), takes)); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			last = time.Since(began)
		}
		// Looked at too early at most once, and held for company twice.
		if limit := takes + 2*scarceHold + takes; last > limit {
			t.Errorf("after 30 cohorts a wait for what takes %s took %s, want at most %s", takes, last, limit)
		}
		if operations.polls > 2*30+5 {
			t.Errorf("%d polls for 30 cohorts", operations.polls)
		}
	})
}

func TestWaiterLearnsThatOperationsBecameFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		wait := func(id string, takes time.Duration) time.Duration {
			began := time.Now()
			if err := waiter.Wait(t.Context(), operations.add(id, takes)); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}
		wait("slow", 60*time.Second)
		var took time.Duration
		for i := range 60 {
			took = wait(fmt.Sprint(i), 5*time.Second)
		}
		if took > 10*time.Second {
			t.Errorf("what takes 5 s was waited for %s, sixty operations after one that took 60 s", took)
		}
	})
}

// What takes long may be seen a little late, so that operations which begin at
// their own times share polls: ten workers, each with one of 15 s after
// another, as networks of Google Cloud are made. What is short may not.
func TestWaiterIsPatientInProportion(t *testing.T) {
	const workers, each = 10, 12
	for usual, most := range map[time.Duration]struct {
		polls int
		late  time.Duration
	}{
		15 * time.Second: {polls: 80, late: 2500 * time.Millisecond},
		2 * time.Second:  {polls: 40, late: 1000 * time.Millisecond},
	} {
		t.Run(usual.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				operations := &fakeOperations{}
				waiter := NewWaiter(operations, SystemClock{}, relaxed)
				var (
					group sync.WaitGroup
					late  atomic.Int64
				)
				for worker := range workers {
					group.Go(func() {
						time.Sleep(time.Duration(worker) * usual / workers)
						for i := range each {
							began := time.Now()
							if err := waiter.Wait(t.Context(), operations.add(fmt.Sprint(worker, " ", i), usual)); err != nil {
								t.Error(err)
							}
							late.Add(int64(time.Since(began) - usual))
							time.Sleep(time.Duration(worker*37%10) * 100 * time.Millisecond)
						}
					})
				}
				group.Wait()
				if operations.polls > most.polls {
					t.Errorf("%d polls for %d operations, want at most %d", operations.polls, workers*each, most.polls)
				}
				if mean := time.Duration(late.Load() / (workers * each)); mean < 0 || mean > most.late {
					t.Errorf("ends were seen %s late on average, want at most %s", mean, most.late)
				}
			})
		})
	}
}

// The first operation of its kind is looked for in growing steps: how long it
// takes is not known, and somebody may wait for it.
func TestWaiterLooksForTheUnknownInGrowingSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operations := &fakeOperations{}
		waiter := NewWaiter(operations, SystemClock{}, relaxed)
		began := time.Now()
		if err := waiter.Wait(t.Context(), operations.add("unknown", 40*time.Second)); err != nil {
			t.Fatal(err)
		}
		if operations.polls > 12 {
			t.Errorf("%d polls for one operation of 40 s, want at most 12", operations.polls)
		}
		if late := time.Since(began) - 40*time.Second; late > 40*time.Second/4+maxPatience {
			t.Errorf("its end was seen %s late", late)
		}
	})
}
