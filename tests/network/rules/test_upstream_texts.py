"""For Services of upstream's own tests, the rules are those that upstream expects of its two proxies.

The texts say what `pkg/proxy/iptables/proxier_test.go` and `pkg/proxy/nftables/proxier_test.go` expect: names
of chains, matches, targets. What is the same for all Services is compared once.
"""

from __future__ import annotations

from k8snb.network.rules import iptables_proxier, nftables_proxier
from k8snb.network.rules.iptables_proxier import chain_name
from tests.network.rules.made import PLACE, RANGE, ports

FIXED = {
    '-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 '
    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" '
    "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this '
    'chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
}


def written(*made: object) -> list[str]:
    """The rules that kube-proxy hands over for one Service, without those that are always there."""
    text = iptables_proxier.tables([port for each in made for port in each], PLACE).restored  # type: ignore[attr-defined]
    lines = text.splitlines()
    assert set(lines) >= FIXED
    return [line for line in lines if line.startswith("-A") and line not in FIXED]


LOCAL_BALANCER = """\
-A KUBE-NODEPORTS -m comment --comment "ns1/svc1:p80 health check node port" -m tcp -p tcp --dport 30000 -j ACCEPT
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 external IP" -m tcp -p tcp -d 192.168.99.11 --dport 80 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 loadbalancer IP" -m tcp -p tcp -d 1.2.3.4 --dport 80 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-NODEPORTS -m comment --comment ns1/svc1:p80 -m tcp -p tcp --dport 3001 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-SXIVWICOYRO3J4NJ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.2.1:80" -j KUBE-SEP-ZX7GRIZKSNUQ3LAJ
-A KUBE-EXT-XPGD46QRK7WJZT7O -m comment --comment "pod traffic for ns1/svc1:p80 external destinations" -s 10.0.0.0/8 -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-EXT-XPGD46QRK7WJZT7O -m comment --comment "masquerade LOCAL traffic for ns1/svc1:p80 external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ
-A KUBE-EXT-XPGD46QRK7WJZT7O -m comment --comment "route LOCAL traffic for ns1/svc1:p80 external destinations" -m addrtype --src-type LOCAL -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-EXT-XPGD46QRK7WJZT7O -j KUBE-SVL-XPGD46QRK7WJZT7O
-A KUBE-SVL-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.2.1:80" -j KUBE-SEP-ZX7GRIZKSNUQ3LAJ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -s 10.180.0.1 -j KUBE-MARK-MASQ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -m tcp -p tcp -j DNAT --to-destination 10.180.0.1:80
-A KUBE-SEP-ZX7GRIZKSNUQ3LAJ -m comment --comment ns1/svc1:p80 -s 10.180.2.1 -j KUBE-MARK-MASQ
-A KUBE-SEP-ZX7GRIZKSNUQ3LAJ -m comment --comment ns1/svc1:p80 -m tcp -p tcp -j DNAT --to-destination 10.180.2.1:80"""  # noqa: E501


def test_a_balancer_with_the_policy_local_has_chains_for_the_node_and_for_all() -> None:
    spec = {"externalIPs": ["192.168.99.11"], "healthCheckNodePort": 30000, "externalTrafficPolicy": "Local"}
    made = ports(
        "ns1/svc1", "172.30.0.41", "10.180.0.1", "10.180.2.1@test-node", node_port=3001, balancers=["1.2.3.4"], **spec
    )
    assert sorted(written(made)) == sorted(LOCAL_BALANCER.splitlines())


RANGES = """\
-A KUBE-PROXY-FIREWALL -m comment --comment "ns1/svc1:p80 traffic not accepted by KUBE-FW-XPGD46QRK7WJZT7O" -m tcp -p tcp -d 1.2.3.4 --dport 80 -j DROP
-A KUBE-PROXY-FIREWALL -m comment --comment "ns1/svc1:p80 traffic not accepted by KUBE-FW-XPGD46QRK7WJZT7O" -m tcp -p tcp -d 5.6.7.8 --dport 80 -j DROP
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 loadbalancer IP" -m tcp -p tcp -d 1.2.3.4 --dport 80 -j KUBE-FW-XPGD46QRK7WJZT7O
-A KUBE-SERVICES -m comment --comment "ns1/svc1:p80 loadbalancer IP" -m tcp -p tcp -d 5.6.7.8 --dport 80 -j KUBE-FW-XPGD46QRK7WJZT7O
-A KUBE-NODEPORTS -m comment --comment ns1/svc1:p80 -m tcp -p tcp --dport 3001 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ
-A KUBE-SVC-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -j KUBE-SEP-SXIVWICOYRO3J4NJ
-A KUBE-EXT-XPGD46QRK7WJZT7O -m comment --comment "masquerade traffic for ns1/svc1:p80 external destinations" -j KUBE-MARK-MASQ
-A KUBE-EXT-XPGD46QRK7WJZT7O -j KUBE-SVC-XPGD46QRK7WJZT7O
-A KUBE-FW-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 192.168.0.0/24 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-FW-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 203.0.113.0/25 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-FW-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 1.2.3.4 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-FW-XPGD46QRK7WJZT7O -m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 5.6.7.8 -j KUBE-EXT-XPGD46QRK7WJZT7O
-A KUBE-FW-XPGD46QRK7WJZT7O -m comment --comment "other traffic to ns1/svc1:p80 will be dropped by KUBE-PROXY-FIREWALL"
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -s 10.180.0.1 -j KUBE-MARK-MASQ
-A KUBE-SEP-SXIVWICOYRO3J4NJ -m comment --comment ns1/svc1:p80 -m tcp -p tcp -j DNAT --to-destination 10.180.0.1:80"""  # noqa: E501


def test_a_balancer_for_some_sources_has_a_firewall_that_lets_its_own_node_in() -> None:
    made = ports(
        "ns1/svc1",
        "172.30.0.41",
        "10.180.0.1",
        node_port=3001,
        balancers=["1.2.3.4", "5.6.7.8"],
        loadBalancerSourceRanges=["192.168.0.0/24", " 203.0.113.0/25"],
    )
    assert written(made) == RANGES.splitlines()


def test_a_service_without_endpoints_is_rejected_at_every_address() -> None:
    made = ports("ns1/svc1", "172.30.0.42", node_port=3001, externalIPs=["192.168.99.11"], balancers=["1.2.3.4"])
    said = '-m comment --comment "ns1/svc1:p80 has no endpoints"'
    assert written(made) == [
        f"-A KUBE-SERVICES {said} -m tcp -p tcp -d 172.30.0.42 --dport 80 -j REJECT",
        f"-A KUBE-EXTERNAL-SERVICES {said} -m tcp -p tcp -d 192.168.99.11 --dport 80 -j REJECT",
        f"-A KUBE-EXTERNAL-SERVICES {said} -m tcp -p tcp -d 1.2.3.4 --dport 80 -j REJECT",
        f"-A KUBE-EXTERNAL-SERVICES {said} -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 3001 -j REJECT",
    ]


def test_affinity_asks_for_each_endpoint_before_chance_does() -> None:
    lines = written(ports("ns1/svc1", "172.30.0.41", "10.180.0.1", "10.180.2.1", sessionAffinity="ClientIP"))
    first, second = "KUBE-SEP-SXIVWICOYRO3J4NJ", "KUBE-SEP-ZX7GRIZKSNUQ3LAJ"
    chain = [line.partition("10.180.")[2][6:] for line in lines if "->" in line]
    assert chain == [
        f'" -m recent --name {first} --rcheck --seconds 10800 --reap -j {first}',
        f'" -m recent --name {second} --rcheck --seconds 10800 --reap -j {second}',
        f'" -m statistic --mode random --probability 0.5000000000 -j {first}',
        f'" -j {second}',
    ]
    said = f"-A {second} -m comment --comment ns1/svc1:p80 -m recent --name {second} --set"
    assert lines[-1] == f"{said} -m tcp -p tcp -j DNAT --to-destination 10.180.2.1:80"


def test_with_many_endpoints_single_ones_carry_no_comments() -> None:
    made = ports("ns1/svc1", "172.30.0.41", *(f"10.1.{number // 250}.{number % 250}" for number in range(1001)))
    lines = written(made)
    assert [line for line in lines if "KUBE-SEP" in line and "comment" in line] == []
    assert lines[-1].startswith(f"-A {chain_name('KUBE-SEP-', 'ns1/svc1:p80', 'tcp', '10.1.4.0:80')} -m tcp")


def test_headless_services_and_aliases_have_no_rules() -> None:
    assert ports("ns1/svc1", "None", "10.180.0.1") + ports("ns1/svc2", "", type="ExternalName") == []


# -- nftables ----------------------------------------------------------------------------------------------


def added(*made: object) -> set[str]:
    """What the Services add to the table, beyond what is there without any."""
    both = [
        set(nftables_proxier.table(each, PLACE, RANGE).added)
        for each in ([port for ports in made for port in ports], [])  # type: ignore[attr-defined]
    ]
    return {line.removeprefix("add ").replace("ip kube-proxy ", "") for line in both[0] - both[1]}


LOCAL_ELSEWHERE = """\
chain service-42NFTM6N-ns2/svc2/tcp/p80
rule service-42NFTM6N-ns2/svc2/tcp/p80 ip daddr 172.30.0.42 ip saddr != 10.0.0.0/8 jump mark-for-masquerade
rule service-42NFTM6N-ns2/svc2/tcp/p80 numgen random mod 1 vmap { 0 : goto endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80 }
chain external-42NFTM6N-ns2/svc2/tcp/p80
rule external-42NFTM6N-ns2/svc2/tcp/p80 ip saddr 10.0.0.0/8 goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit pod traffic"
rule external-42NFTM6N-ns2/svc2/tcp/p80 fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"
rule external-42NFTM6N-ns2/svc2/tcp/p80 fib saddr type local goto service-42NFTM6N-ns2/svc2/tcp/p80 comment "short-circuit local traffic"
chain endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80
rule endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80 ip saddr 10.180.0.2 jump mark-for-masquerade
rule endpoint-SGOXE6O3-ns2/svc2/tcp/p80__10.180.0.2/80 meta l4proto tcp dnat to 10.180.0.2:80
element cluster-ips { 172.30.0.42 }
element service-ips { 172.30.0.42 . tcp . 80 : goto service-42NFTM6N-ns2/svc2/tcp/p80 }
element service-ips { 192.168.99.22 . tcp . 80 : goto external-42NFTM6N-ns2/svc2/tcp/p80 }
element service-ips { 1.2.3.4 . tcp . 80 : goto external-42NFTM6N-ns2/svc2/tcp/p80 }
element service-nodeports { tcp . 3001 : goto external-42NFTM6N-ns2/svc2/tcp/p80 }
element no-endpoint-nodeports { tcp . 3001 comment "ns2/svc2:p80" : drop }
element no-endpoint-services { 1.2.3.4 . tcp . 80 comment "ns2/svc2:p80" : drop }
element no-endpoint-services { 192.168.99.22 . tcp . 80 comment "ns2/svc2:p80" : drop }"""  # noqa: E501

STICKY = """\
set affinity-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 { type ipv4_addr ; flags dynamic,timeout ; timeout 10800s ; }
chain service-HVFWP5L3-ns5/svc5/tcp/p80
rule service-HVFWP5L3-ns5/svc5/tcp/p80 ip daddr 172.30.0.45 ip saddr != 10.0.0.0/8 jump mark-for-masquerade
rule service-HVFWP5L3-ns5/svc5/tcp/p80 ip saddr @affinity-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 goto endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80
rule service-HVFWP5L3-ns5/svc5/tcp/p80 numgen random mod 1 vmap { 0 : goto endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 }
chain external-HVFWP5L3-ns5/svc5/tcp/p80
rule external-HVFWP5L3-ns5/svc5/tcp/p80 jump mark-for-masquerade
rule external-HVFWP5L3-ns5/svc5/tcp/p80 goto service-HVFWP5L3-ns5/svc5/tcp/p80
chain endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80
rule endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 ip saddr 10.180.0.3 jump mark-for-masquerade
rule endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 update @affinity-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 { ip saddr }
rule endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80 meta l4proto tcp dnat to 10.180.0.3:80
chain firewall-HVFWP5L3-ns5/svc5/tcp/p80
rule firewall-HVFWP5L3-ns5/svc5/tcp/p80 ip saddr != { 203.0.113.0/25 } drop
element cluster-ips { 172.30.0.45 }
element service-ips { 172.30.0.45 . tcp . 80 : goto service-HVFWP5L3-ns5/svc5/tcp/p80 }
element service-ips { 5.6.7.8 . tcp . 80 : goto external-HVFWP5L3-ns5/svc5/tcp/p80 }
element service-nodeports { tcp . 3002 : goto external-HVFWP5L3-ns5/svc5/tcp/p80 }
element firewall-ips { 5.6.7.8 . tcp . 80 : goto firewall-HVFWP5L3-ns5/svc5/tcp/p80 }"""  # noqa: E501


def test_nftables_keeps_a_local_policy_for_callers_from_outside() -> None:
    spec = {"externalIPs": ["192.168.99.22"], "externalTrafficPolicy": "Local"}
    made = ports("ns2/svc2", "172.30.0.42", "10.180.0.2", node_port=3001, balancers=["1.2.3.4"], **spec)
    assert added(made) == set(LOCAL_ELSEWHERE.splitlines())


def test_nftables_keeps_callers_in_sets_and_limits_their_sources_first() -> None:
    spec = {"sessionAffinity": "ClientIP", "loadBalancerSourceRanges": [" 203.0.113.0/25"]}
    made = ports("ns5/svc5", "172.30.0.45", "10.180.0.3", node_port=3002, balancers=["5.6.7.8"], **spec)
    assert added(made) == set(STICKY.splitlines())


def test_nftables_says_in_a_map_what_has_no_endpoints() -> None:
    assert added(ports("ns6/svc6", "172.30.0.46")) == {
        "element cluster-ips { 172.30.0.46 }",
        'element no-endpoint-services { 172.30.0.46 . tcp . 80 comment "ns6/svc6:p80" : goto reject-chain }',
    }


def test_nftables_draws_one_number_among_all_endpoints() -> None:
    lines = added(ports("ns4/svc4", "172.30.0.44", "10.180.0.4", "10.180.0.5@test-node"))
    first, second = (f"endpoint-{name}-ns4/svc4/tcp/p80__" for name in ("UNZV3OEC", "5RFCDDV7"))
    choice = f"numgen random mod 2 vmap {{ 0 : goto {first}10.180.0.4/80 , 1 : goto {second}10.180.0.5/80 }}"
    assert f"rule service-LAUZTJTB-ns4/svc4/tcp/p80 {choice}" in lines
