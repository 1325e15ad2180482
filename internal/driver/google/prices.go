package google

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

//go:embed data/prices.json
var priceData []byte

// hoursAMonth is the month of the vendor's own monthly prices.
const hoursAMonth = 730

// rate is what a family costs in a region, in USD an hour: a core, and a
// gigabyte of memory. A family that has the same memory with every core may
// have all in the first.
type rate [2]float64

func (r rate) hourly(cores, memoryGB float64) float64 { return r[0]*cores + r[1]*memoryGB }

func (r rate) times(factor float64) rate { return rate{r[0] * factor, r[1] * factor} }

// usual is the price of the size by which regions are compared, the one that
// every family has.
func (r rate) usual() float64 { return r.hourly(1, 4) }

// prices are the rates by family and region. The list does not have every
// family in every region, since the sources do not: there the region's prices
// are taken to stand to the reference region's as those of its other families
// do, in the median; and in a region without any, as the family's own do
// elsewhere. So everything that a zone turns out to sell can be compared.
type prices struct {
	reference string
	rates     map[string]map[string]rate
	// inRegion and ofFamily are the median factors to the reference region.
	inRegion, ofFamily map[string]float64
}

// priceList reads the prices, once.
var priceList = sync.OnceValues(func() (*prices, error) { return parsePrices(priceData) })

func parsePrices(data []byte) (*prices, error) {
	var file struct {
		Reference   string                     `json:"reference"`
		Currency    string                     `json:"currency"`
		HoursAMonth int                        `json:"hours_a_month"`
		Rates       map[string]map[string]rate `json:"rates"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("google: the price list: %w", err)
	}
	if file.HoursAMonth != hoursAMonth || file.Currency != "USD" {
		return nil, fmt.Errorf("google: the price list is in %s, with months of %d hours", file.Currency, file.HoursAMonth)
	}
	p := &prices{reference: file.Reference, rates: file.Rates, inRegion: map[string]float64{}, ofFamily: map[string]float64{}}
	regions := map[string][]float64{}
	for family, rates := range p.rates {
		at, ok := rates[p.reference]
		if !ok {
			return nil, fmt.Errorf("google: the price list lacks %s in %s", family, p.reference)
		}
		var factors []float64
		for region, r := range rates {
			if r[0] <= 0 || r[1] < 0 {
				return nil, fmt.Errorf("google: the price list is wrong about %s in %s", family, region)
			}
			factor := r.usual() / at.usual()
			factors, regions[region] = append(factors, factor), append(regions[region], factor)
		}
		p.ofFamily[family] = median(factors)
	}
	for region, factors := range regions {
		p.inRegion[region] = median(factors)
	}
	return p, nil
}

// rate is the listed rate of a family in a region, or the estimate.
func (p *prices) rate(family, region string) rate {
	if r, ok := p.rates[family][region]; ok {
		return r
	}
	return p.rates[family][p.reference].times(cmp.Or(p.inRegion[region], p.ofFamily[family]))
}

// monthly is the price of a machine type in a region, in USD.
func (p *prices) monthly(t knownType, region string) float64 {
	return p.rate(t.family.Family, region).hourly(t.Cores, t.MemoryGB) * hoursAMonth
}

// median of some numbers, of which there is one at least: of two in the middle
// the lower, so that it is one of them.
func median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[(len(sorted)-1)/2]
}
