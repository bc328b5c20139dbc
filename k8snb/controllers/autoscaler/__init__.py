"""HorizontalPodAutoscalers: as many pods as their load needs.

`controller` looks at each autoscaler every 15 seconds, `metrics` asks for what pods use, `calculator` makes a number of
pods of that, `proposals` of one metric after another, `stabilising` keeps the number from jumping. Upstream:
`pkg/controller/podautoscaler`.
"""
