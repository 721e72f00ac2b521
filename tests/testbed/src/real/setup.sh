# The first process of a real node, in namespaces of its own: its network, its private places, then `sandbox`,
# which stays.
#
#   setup.sh RUN SANDBOX ADDRESS
set -e
run=$1 sandbox=$2 address=$3

# Upstream programs write to fixed places of the host. They get their own, which vanish with the namespace.
mkdir -p "$run/node/log" "$run/node/lib"
mount --make-rshared /
mount -t tmpfs tmpfs /run
mount --bind "$run/node/log" /var/log
case $run in
    /var/lib/*) ;; # it would hide the testbed itself; the kubelet leaves an empty /var/lib/kubelet then
    *) mount --bind "$run/node/lib" /var/lib ;;
esac

# An address of its own on a bridge without ports, and a route: without any route the kernel refuses the
# addresses of Services before they are translated.
ip link set lo up
ip link add node type bridge
ip addr add "$address/32" dev node
ip link set node up
ip route add default dev node
echo 1 > /proc/sys/net/ipv4/ip_forward

: > "$run/node/up"
exec "$sandbox"
