"""The section `web`: where the page is served, and how much of the machine its visitors may have."""

from alphapente.config.section import Section, setting


class WebSettings(Section):
    """The page in the browser, `alphapente web`."""

    port: int = setting(8717, "Where the page is served; 0 takes any free port.", "port", ge=0, le=65_535)
    threads: int = setting(0, "Threads that search, all visitors together; 0: one per core.", "threads", ge=0, le=1024)
    max_searches: int = setting(32, "Searches at once; one more is refused.", "searches", ge=1, le=10_000)
    max_simulations: int = setting(
        100_000, "Largest effort of a search that a page may ask for.", "simulations", ge=1, le=10_000_000
    )
    max_seconds: float = setting(600, "Longest search that a page may ask for.", "seconds", gt=0, le=86_400)
    max_tree_nodes: int = setting(
        20_000,
        "Positions that one search's tree holds at most, 860 bytes each on 19x19; a full tree goes on less deep.",
        "positions",
        ge=1_000,
        le=1_000_000,
    )
    max_trees: int = setting(
        8, "Trees kept after their searches end, for whoever goes on from there; 0: none.", "trees", ge=0, le=1_000
    )
    max_networks: int = setting(3, "Networks in memory at once; the one longest unused goes.", "networks", ge=1, le=100)
    idle_s: float = setting(300, "Trees and networks unused for so long are freed.", "seconds", ge=1, le=86_400)
    slice_ms: float = setting(
        20, "How long a search goes on before the next visitor's has its turn.", "milliseconds", ge=1, le=1_000
    )
    max_body_bytes: int = setting(
        262_144, "Largest request, an uploaded game included.", "bytes", ge=1_024, le=16_777_216
    )
