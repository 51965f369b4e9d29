#!/bin/sh
# Records what the real Helm keeps and prints: HELM4=… HELM3=… KUBECTL=… KUBECONFIG=… ./record.sh
# on an empty cluster (`shipway cluster start --nodes 2`). Needs jq.
set -eu
cd "$(dirname "$0")"
export TZ=UTC
rm -rf four three kept && mkdir four three kept

story() { # HELM NAMESPACE CREATE-FLAG
    $KUBECTL create namespace "$2" > /dev/null
    $1 install ledger ledger -n "$2" --set replicas=1,tree.a=null,big=98765432109876543 --labels team=x --wait > /dev/null
    $1 upgrade ledger ledger -n "$2" --set-string 'text=a<b' > /dev/null
    $1 rollback ledger 1 -n "$2" > /dev/null
    $1 test ledger -n "$2" > /dev/null
    $1 install plain plain -n "$2" > /dev/null
    $1 upgrade plain plain -n "$2" --set 'a=1,f=1.5,l={1,2}' --description 'first line
second line that is much longer 日本語' > /dev/null
    TZ=Europe/Berlin $1 install berlin plain -n "$2" > /dev/null
    $1 install gone plain -n "$2" > /dev/null
    $1 uninstall gone -n "$2" --keep-history > /dev/null
    $KUBECTL get secrets -n "$2" -l owner=helm -o json |
        jq -c '.items[] | {kind, metadata: (.metadata | {name, namespace, labels}), type, data}' > "kept/$2.jsonl"
    # One as it is inside, from which the fuzzer starts.
    $KUBECTL get secret -n "$2" sh.helm.release.v1.ledger.v1 -o 'jsonpath={.data.release}' |
        base64 -d | base64 -d | gunzip > "kept/$2.record"
}

prints() { # NAMESPACE: everything is printed by Helm 4
    h="$HELM4 -n $1"
    for f in table json yaml; do
        $h list -o $f > "$1/list.$f"
        $h list --superseded -o $f > "$1/list-superseded.$f"
        $h list -q -o $f > "$1/names.$f"
        $h list --filter zzz -o $f > "$1/list-none.$f"
        $h history ledger -o $f > "$1/history-ledger.$f"
        $h history plain --max 1 -o $f > "$1/history-plain.$f"
        $h status gone -o $f > "$1/status-gone.$f"
        for r in ledger plain; do
            $h get values $r -o $f > "$1/values-$r.$f"
            $h get values $r -a -o $f > "$1/values-all-$r.$f"
            $h get metadata $r -o $f > "$1/metadata-$r.$f"
        done
        TZ=America/New_York $h get metadata berlin --revision 1 -o $f > "$1/metadata-berlin.$f"
    done
    $h list -d -r --no-headers > "$1/list-date.table"
    $h list --time-format '2006-01-02T15h MST' --max 2 --offset 1 > "$1/list-format.table"
    TZ=Europe/Berlin $h list > "$1/list-berlin.table"
    TZ=Europe/Berlin $h history ledger > "$1/history-berlin.table"
    $h status ledger > "$1/status-ledger.table"
    TZ=Europe/Berlin $h status berlin --revision 1 > "$1/status-berlin.table"
    for r in ledger plain; do
        for what in manifest hooks notes all; do
            $h get $what $r > "$1/$what-$r.table"
        done
    done
    # The objects' ages differ each time, and are not ours to print.
    for s in "$1"/status-*.table; do
        sed -i '/^RESOURCES:/,/^TEST SUITE/{/^TEST SUITE/!d}' "$s"
    done
}

story "$HELM4" four
story "$HELM3" three
prints four
prints three
HELM_DRIVER=configmap $HELM4 install mapped plain > /dev/null
$KUBECTL get configmap sh.helm.release.v1.mapped.v1 -o json |
    jq -c '{kind, metadata: (.metadata | {name, namespace, labels}), data}' > kept/configmap.jsonl
