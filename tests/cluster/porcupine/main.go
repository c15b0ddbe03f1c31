// The second judge: porcupine over the histories of tests/simulation/history.py.
//
// Usage: porcupine [-timeout 60s] history.jsonl
// Prints a verdict line for each key that is not linearizable or not decided, and one for the whole.
// Exit status: 0 linearizable, 1 violated, 2 undecided, 3 no history.
// The model of an item is written here again, from the table in history.py, and on purpose shares
// nothing with the first judge.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

type event struct {
	Event, Process, Operation, Key, Outcome string
	Argument, Result                        json.RawMessage
	Time                                    int64
}

type input struct {
	operation     string
	value, expect string // as JSON; "" or "null" is none
	delta         int64
}

// output is what the client heard; nothing is asked of an unknown one.
type output struct {
	known bool
	text  string // as JSON
	item  item
}

// item is one state: its zero value is "no item".
type item struct {
	exists  bool
	value   string // as JSON; "" is none
	counted bool
	count   int64
}

func (o *output) allows(done bool) bool { return !o.known || o.text == fmt.Sprint(done) }

func step(state, in, out interface{}) (bool, interface{}) {
	before, call, heard := state.(item), in.(input), out.(output)
	put := item{exists: true, value: call.value}
	switch call.operation {
	case "read":
		return !heard.known || heard.item == before, before
	case "write":
		return true, put
	case "delete":
		return true, item{}
	case "add":
		after := item{exists: true, value: before.value, counted: true, count: before.count + call.delta}
		told := heard.known && heard.text != "null"
		return !told || heard.text == fmt.Sprint(after.count), after
	case "put_if_absent":
		if before.exists {
			return heard.allows(false), before
		}
		return heard.allows(true), put
	case "compare_and_set":
		if before.value == "" || before.value != call.expect {
			return heard.allows(false), before
		}
		return heard.allows(true), put
	}
	panic("no such operation: " + call.operation)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "no history:", err)
		os.Exit(3)
	}
}

// text is a JSON value in one spelling; null is "".
func text(raw json.RawMessage) string {
	var value interface{}
	if len(raw) > 0 {
		must(json.Unmarshal(raw, &value))
	}
	if value == nil {
		return ""
	}
	if number, whole := value.(float64); whole {
		return fmt.Sprintf("%.0f", number)
	}
	spelled, err := json.Marshal(value)
	must(err)
	return string(spelled)
}

func parsed(e event) input {
	in := input{operation: e.Operation}
	switch e.Operation {
	case "add":
		must(json.Unmarshal(e.Argument, &in.delta))
	case "compare_and_set":
		var pair [2]json.RawMessage
		must(json.Unmarshal(e.Argument, &pair))
		in.expect, in.value = text(pair[0]), text(pair[1])
	default:
		in.value = text(e.Argument)
	}
	return in
}

func heard(operation string, e event) output {
	out := output{known: e.Outcome == "ok", text: string(e.Result)}
	if out.known && operation == "read" && string(e.Result) != "null" {
		var members struct {
			Value json.RawMessage
			Count *int64
		}
		must(json.Unmarshal(e.Result, &members))
		out.item = item{exists: true, value: text(members.Value), counted: members.Count != nil}
		if members.Count != nil {
			out.item.count = *members.Count
		}
	}
	return out
}

// read pairs invocations with returns, by key. Unknown operations return at the end of time.
func read(path string) map[string][]porcupine.Operation {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	byKey := map[string][]porcupine.Operation{}
	open := map[string]event{}
	add := func(invoke event, out output, returned int64) {
		if !out.known {
			returned = math.MaxInt64
		}
		byKey[invoke.Key] = append(byKey[invoke.Key], porcupine.Operation{
			Input: parsed(invoke), Call: invoke.Time, Output: out, Return: returned})
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		must(json.Unmarshal(lines.Bytes(), &e))
		if e.Event == "invoke" {
			open[e.Process] = e
			continue
		}
		invoke, found := open[e.Process]
		if !found {
			must(fmt.Errorf("%s returns what it did not invoke", e.Process))
		}
		delete(open, e.Process)
		if e.Outcome != "not_done" {
			add(invoke, heard(invoke.Operation, e), e.Time)
		}
	}
	must(lines.Err())
	for _, invoke := range open {
		add(invoke, output{}, 0)
	}
	return byKey
}

func main() {
	timeout := flag.Duration("timeout", 60*time.Second, "for each key")
	flag.Parse()
	model := porcupine.Model{Init: func() interface{} { return item{} }, Step: step}
	byKey := read(flag.Arg(0))
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	count := map[porcupine.CheckResult]int{}
	names := map[porcupine.CheckResult]string{porcupine.Illegal: "violated", porcupine.Unknown: "undecided"}
	operations := 0
	for _, key := range keys {
		verdict := porcupine.CheckOperationsTimeout(model, byKey[key], *timeout)
		count[verdict]++
		operations += len(byKey[key])
		if verdict != porcupine.Ok {
			fmt.Printf("key %q: %s (%d operations)\n", key, names[verdict], len(byKey[key]))
		}
	}
	answer, status := "linearizable", 0
	if count[porcupine.Illegal] > 0 {
		answer, status = "violated", 1
	} else if count[porcupine.Unknown] > 0 {
		answer, status = "undecided", 2
	}
	fmt.Printf("%s: %d operations on %d keys\n", answer, operations, len(keys))
	os.Exit(status)
}
