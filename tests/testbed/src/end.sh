# Ends one testbed whole: every process that carries its mark, its cgroups, its folder.
#
#   end.sh RUN        ends it now
#   end.sh RUN wait   ends it when standard input closes, that is when its owner ended in whatever way; the line
#                     `keep` lets it stand
#
# It is a process of its own so that a testbed ends even if its owner is killed. Everything a testbed starts
# inherits TESTBED_RUN=RUN. A real node's containers do not, but they live in the PID namespace of a marked
# process, and the kernel ends them with it; mounts and network vanish with their namespaces.
run=$1
if [ "$2" = wait ]; then
    read -r word
    [ "$word" = keep ] && exit 0
fi

marked() {
    grep -lzsxF "TESTBED_RUN=$run" /proc/[0-9]*/environ | cut -d/ -f3
}

looks=0
while pids=$(marked) && [ -n "$pids" ]; do
    kill -KILL $pids 2>/dev/null
    looks=$((looks + 1))
    if [ $looks -gt 200 ]; then
        echo "testbed: these processes of $run cannot be ended:" $pids >&2
        exit 1
    fi
    sleep 0.05
done

group="testbed-$(basename "$run")"
groups() {
    find /sys/fs/cgroup -depth -type d -path "*/$group*" 2>/dev/null
}
looks=0
while [ -e "$run/real" ] && [ -n "$(groups)" ]; do
    groups | xargs rmdir 2>/dev/null
    looks=$((looks + 1))
    if [ $looks -gt 200 ]; then
        echo "testbed: these cgroups of $run cannot be removed:" $(groups) >&2
        exit 1
    fi
    [ $looks -gt 1 ] && sleep 0.05
done

if [ -e "$run/keep-logs" ]; then
    logs=$(dirname "$(dirname "$run")")/logs
    mkdir -p "$logs" && mv "$run/logs" "$logs/$(basename "$run")"
fi
rm -rf --one-file-system "$run"
