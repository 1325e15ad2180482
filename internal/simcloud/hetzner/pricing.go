package hetzner

import (
	"fmt"
	"net/http"
	"strconv"
)

type price struct {
	Net   string `json:"net"`
	Gross string `json:"gross"`
}

type typePrice struct {
	Location        string `json:"location"`
	Hourly          price  `json:"price_hourly"`
	Monthly         price  `json:"price_monthly"`
	IncludedTraffic int64  `json:"included_traffic"`
	PerTBTraffic    price  `json:"price_per_tb_traffic"`
}

// hoursPerMonth is the vendor's ratio of monthly to hourly prices.
const hoursPerMonth = 624

const bytesPerTB = 1 << 40

// of makes a price from a decimal without VAT, which the embedded data holds.
func (d *priceData) of(net string) price {
	n, _ := strconv.ParseFloat(net, 64)
	vat, _ := strconv.ParseFloat(d.VATRate, 64)
	return price{Net: fmt.Sprintf("%.10f", n), Gross: fmt.Sprintf("%.16f", n*(1+vat/100))}
}

func (d *priceData) hourly(monthly string) price {
	n, _ := strconv.ParseFloat(monthly, 64)
	return d.of(fmt.Sprintf("%.4f", n/hoursPerMonth))
}

func (c *catalogue) typePrices(t *serverType) []typePrice {
	out := []typePrice{}
	for _, l := range c.locations {
		monthly, ok := t.Monthly[l.Name]
		if !ok {
			continue
		}
		out = append(out, typePrice{Location: l.Name, Hourly: c.prices.hourly(monthly), Monthly: c.prices.of(monthly),
			IncludedTraffic: int64(t.TrafficTB[l.Name] * bytesPerTB), PerTBTraffic: c.prices.of(c.prices.TrafficPerTB[l.Name])})
	}
	return out
}

func (a *API) pricingRoutes() []*route {
	return []*route{{method: http.MethodGet, path: "/pricing", do: getPricing}}
}

func getPricing(c *call) (any, error) {
	cat, d := c.api.cat, c.api.cat.prices
	primary := func(monthly string) (out []map[string]any) {
		for _, l := range cat.locations {
			out = append(out, map[string]any{"location": l.Name, "price_hourly": d.hourly(monthly), "price_monthly": d.of(monthly)})
		}
		return out
	}
	floating := func(monthly string) (out []map[string]any) {
		for _, l := range cat.locations {
			out = append(out, map[string]any{"location": l.Name, "price_monthly": d.of(monthly)})
		}
		return out
	}
	types := []map[string]any{}
	for _, t := range cat.types {
		if !t.retired(c.tx.Now()) {
			types = append(types, map[string]any{"id": t.ID, "name": t.Name, "prices": cat.typePrices(t)})
		}
	}
	return map[string]any{"pricing": map[string]any{
		"currency": d.Currency, "vat_rate": d.VATRate,
		"primary_ips": []any{
			map[string]any{"type": "ipv4", "prices": primary(d.PrimaryIPv4)},
			map[string]any{"type": "ipv6", "prices": primary("0")},
		},
		"floating_ips": []any{
			map[string]any{"type": "ipv4", "prices": floating(d.FloatingIPv4)},
			map[string]any{"type": "ipv6", "prices": floating(d.FloatingIPv6)},
		},
		"floating_ip":         map[string]any{"price_monthly": d.of(d.FloatingIPv4)},
		"image":               map[string]any{"price_per_gb_month": d.of(d.ImagePerGB)},
		"volume":              map[string]any{"price_per_gb_month": d.of(d.VolumePerGB)},
		"server_backup":       map[string]any{"percentage": d.ServerBackupPercent},
		"server_types":        types,
		"load_balancer_types": []any{},
		"traffic":             map[string]any{"price_per_tb": d.of(d.TrafficPerTB["fsn1"])},
	}}, nil
}
