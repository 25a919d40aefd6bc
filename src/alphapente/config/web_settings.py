"""The section `web`: the address of the web page, and limits on what its visitors may use."""

from alphapente.config.section import Section, setting


class WebSettings(Section):
    """The web page, `alphapente web`."""

    port: int = setting(8717, "Port of the web page; 0: any free port.", "port", ge=0, le=65_535)
    threads: int = setting(0, "Search threads for all visitors together; 0: one per core.", "threads", ge=0, le=1024)
    max_searches: int = setting(
        32, "Maximum number of simultaneous searches; more are refused.", "searches", ge=1, le=10_000
    )
    max_simulations: int = setting(100_000, "Maximum simulations of one search.", "simulations", ge=1, le=10_000_000)
    max_seconds: float = setting(600, "Maximum time of one search.", "seconds", gt=0, le=86_400)
    max_tree_nodes: int = setting(
        20_000,
        "Maximum nodes of one search tree, 860 bytes each on 19x19; a full tree gets no new ones.",
        "positions",
        ge=1_000,
        le=1_000_000,
    )
    max_trees: int = setting(
        8, "Trees kept after their searches end, for tree reuse by later requests; 0: none.", "trees", ge=0, le=1_000
    )
    max_networks: int = setting(
        3, "Maximum networks in memory; the least recently used one is freed.", "networks", ge=1, le=100
    )
    idle_s: float = setting(
        300, "Trees and networks are freed after this time without use.", "seconds", ge=1, le=86_400
    )
    slice_ms: float = setting(
        20, "Time slice of a search before the next visitor's search continues.", "milliseconds", ge=1, le=1_000
    )
    max_body_bytes: int = setting(
        262_144, "Maximum size of a request, including an uploaded game.", "bytes", ge=1_024, le=16_777_216
    )
