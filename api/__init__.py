"""The interface for people and systems, below /api/v1. OpenAPI: /api/v1/openapi.json.

    GET    /health                              no sign-in -> HealthReport
    POST   /session                             SignIn -> Session
    GET    /session                             -> WhoAmI
    DELETE /session                             signs out
    GET    /api-keys                            -> Page[ApiKey]
    POST   /api-keys                            ApiKeyRequest -> NewApiKey
    DELETE /api-keys/{id}                       revokes the key
    GET    /words                               -> Words
    GET    /products                            -> Page[ProductSummary]
    GET    /products/{product}                  -> Product
    GET    /products/{product}/rules/{rule}/versions  -> RuleVersions
    GET    /overview                            -> Overview
    GET    /machines?product&region&station&health&text&retired     -> Page[MachineSummary]
    GET    /machines/{serial}                   -> Machine
    GET    /machines/{serial}/telemetry?signals=a,b&from&to&step    -> Telemetry
    GET    /machines/{serial}/regimes?from&to&step                  -> RegimeBands
    GET    /machines/{serial}/alarms?live       -> Page[Alarm]
    GET    /machines/{serial}/detectors         -> DetectorStates
    GET    /machines/{serial}/ledger            -> Ledger
    GET    /alarms?live&state&severity&product&region&machine&rule
           &suppressed&flapping&from&to         -> Page[Alarm]
    GET    /alarms/{id}                         -> Alarm
    GET    /alarms/{id}/history                 -> AlarmHistory
    GET    /alarms/{id}/course                  -> AlarmCourse
    POST   /alarms/{id}/acknowledge             -> Alarm
    POST   /alarms/{id}/shelve                  Shelve -> Alarm
    POST   /alarms/{id}/unshelve                -> Alarm
    POST   /alarms/{id}/out-of-service          OutOfService -> Alarm
    POST   /alarms/{id}/return-to-service       -> Alarm
    POST   /machines/{serial}/maintenance       Maintenance -> Suppression
    GET    /suppressions?machine&running        -> Page[Suppression], the latest first
    POST   /suppressions/{id}/end               -> Suppression
    POST   /trials                              TrialRequest -> Trial
    GET    /trials                              -> Page[TrialSummary], the latest first
    GET    /trials/{id}                         -> Trial
    POST   /trials/{id}/cancel                  -> Trial
    GET    /tickets?open&status&station&region&product&priority&machine&assignee
                                                -> Page[TicketSummary]
    GET    /tickets/{number}                    -> Ticket
    POST   /tickets/{number}/transitions        Transition -> Ticket
    PUT    /tickets/{number}/plan               PlanVisit -> Ticket
    PUT    /tickets/{number}/checks/{sequence}  CheckAnswerRequest -> Ticket
    PUT    /tickets/{number}/parts/{id}         PartAnswer -> Ticket
    POST   /tickets/{number}/notes              NoteRequest -> Ticket
    GET    /technicians?station                 -> Page[Technician]
    GET    /parts/alerts?region&product&machine&status -> Page[PartAlert]
    POST   /parts/alerts/{id}/status            PartAlertChange -> PartAlert
    GET    /parts/fitted?region&product&machine&part -> Page[FittedPart]
    GET    /parts/lives?product&part            -> Page[LifeOfPart]
    GET    /plan/runs                           -> Page[PlanRun], the newest first
    GET    /plan/runs/{id}                      -> PlanRun
    GET    /plan/runs/{id}/demand?number&region -> PlanDemand
    GET    /plan/runs/{id}/lines?warehouse&region&number&action -> Page[PlanLine]
    GET    /plan/runs/{id}/verdicts             -> PlanVerdicts
    GET    /plan/runs/{id}/export.{kind}?language -> CSV or Excel
    GET    /plan/refills                        -> Page[Refill], the newest first
    GET    /plan/refills/{id}                   -> RefillDetail
    GET    /plan/refills/{id}/export.{kind}?language -> CSV or Excel
    GET    /plan/lines/{id}                     -> PlanLineDetail
    PUT    /plan/lines/{id}/override            OverrideChange -> PlanLineDetail
    DELETE /plan/lines/{id}/override            takes the override back
    GET    /ingest                              -> Ingest
    GET    /ingest/machines                     -> Page[Reporter], the longest silent first
    GET    /rejected?reason&machine             -> Page[Rejected], the newest first
    POST   /rejected/{id}/replay                -> Replayed
    GET    /metrics                             at the root, for Prometheus

Every list takes `limit` (1-500, 100) and `cursor`. Times are RFC 3339 in UTC. Errors are Problem
(application/problem+json). Sign-in: `Authorization: Bearer <token>` or `X-API-Key`.
"""
