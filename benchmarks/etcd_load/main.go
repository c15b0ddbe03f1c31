// Drives etcd as load.py drives Stator: N clients in a closed loop, each with one request under way.
//
//	etcd_load -endpoint 127.0.0.1:2379 -operation put|get -clients 64 -seconds 1 [-fill]
//
// Uses etcd's own Go client over gRPC, the cheapest that etcd offers: its JSON gateway would be
// measured otherwise. Started by clusters.py, which gives it one core. Prints one JSON object: the
// seconds, every latency in nanoseconds, the errors, and the processor time it took itself.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const items = 10_000
const valueBytes = 1_000

type result struct {
	Seconds   float64 `json:"seconds"`
	Latencies []int64 `json:"latencies"`
	Errors    int     `json:"errors"`
	Processor float64 `json:"processor_seconds"`
}

func key(number int) string { return fmt.Sprintf("customer#%08d", number) }

func connect(endpoint string, count int) []*clientv3.Client {
	clients := make([]*clientv3.Client, count)
	for position := range clients {
		made, err := clientv3.New(clientv3.Config{
			Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		clients[position] = made
	}
	return clients
}

// run keeps every client busy for that long; limit is the number of operations, or 0.
func run(clients int, wires []*clientv3.Client, seconds float64, limit int,
	one func(*clientv3.Client, int) error) result {
	var outcome result
	var guard sync.Mutex
	var group sync.WaitGroup
	var taken int
	started := time.Now()
	deadline := started.Add(time.Duration(seconds * float64(time.Second)))
	for number := 0; number < clients; number++ {
		group.Add(1)
		go func(number int) {
			defer group.Done()
			chance := rand.New(rand.NewSource(int64(number)))
			wire := wires[number%len(wires)]
			latencies := make([]int64, 0, 65_536)
			errors := 0
			for time.Now().Before(deadline) {
				target := chance.Intn(items)
				if limit > 0 {
					guard.Lock()
					target = taken
					taken++
					guard.Unlock()
					if target >= limit {
						break
					}
				}
				begun := time.Now()
				if err := one(wire, target); err != nil {
					errors++
				}
				latencies = append(latencies, int64(time.Since(begun)))
			}
			guard.Lock()
			outcome.Latencies = append(outcome.Latencies, latencies...)
			outcome.Errors += errors
			guard.Unlock()
		}(number)
	}
	group.Wait()
	outcome.Seconds = time.Since(started).Seconds()
	return outcome
}

func processorSeconds() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func main() {
	endpoint := flag.String("endpoint", "", "host:port of one member")
	operation := flag.String("operation", "put", "put or get (linearizable)")
	clients := flag.Int("clients", 1, "requests under way at any time")
	wireCount := flag.Int("connections", 8, "TCP connections at most")
	seconds := flag.Float64("seconds", 1, "length of the run")
	warmUp := flag.Float64("warm-up", 0.3, "seconds before it that do not count")
	fill := flag.Bool("fill", false, "write every key once first")
	flag.Parse()
	value := strings.Repeat("x", valueBytes)
	put := func(wire *clientv3.Client, target int) error {
		_, err := wire.Put(context.Background(), key(target), value)
		return err
	}
	get := func(wire *clientv3.Client, target int) error {
		answer, err := wire.Get(context.Background(), key(target))
		if err == nil && len(answer.Kvs) != 1 {
			err = fmt.Errorf("key %d is missing", target)
		}
		return err
	}
	one := put
	if *operation == "get" {
		one = get
	}
	wires := connect(*endpoint, min(*clients, *wireCount))
	if *fill {
		run(*clients, wires, 120, items, put)
	}
	run(*clients, wires, *warmUp, 0, one)
	before := processorSeconds()
	outcome := run(*clients, wires, *seconds, 0, one)
	outcome.Processor = processorSeconds() - before
	if err := json.NewEncoder(os.Stdout).Encode(outcome); err != nil {
		os.Exit(1)
	}
}
