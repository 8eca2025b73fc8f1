//! Every public type by its name, and what may be done with its values.

use std::error;
use std::fmt::Debug;
use std::hash::Hash;

use turn_balance::{
    Admin, AdminAddr, AdminListener, Balance, BareAnswers, Breach, Broker, Builder, Candidate,
    CandidateState, Cluster, Config, ConfigError, Cost, Diagnostic, Difference, Echo, Endpoint,
    EndpointError, Error, Failure, Family, Hop, Http, HttpsFailure, HttpsFault, HttpsRootFault,
    HttpsUrl, HttpsUrlError, IceConfiguration, IceServer, KeyError, KeyFile, Label, LabelError,
    Labels, LeftOut, Limits, ListedServer, ListenAddr, Lister, ListerBuilder, Load, LoadSource,
    Log, LogFormat, LogLevel, MetricsUrl, MetricsUrlError, Name, NameError, Net, NodeCondition,
    NodeEntry, NodeFault, NodeKind, NodeSecret, NodeStatus, Obstacle, Parent, Pinger,
    PingerBuilder, Prefix, PrefixError, Progress, Rates, Reloaded, RequestLimits, RttHistogram,
    RunnerUp, SecretKind, Selection, Server, ServerKind, ServerLabel, ServerList, ServerState,
    ServerUrl, ServerUrlError, SocketOperation, Status, Strategy, SuperiorStatus, Trace,
    TrafficCounts, Transport, Turn, TurnCredentials, TurnDid, TurnEcho, TurnFault, TurnHealth,
    TurnPinger, TurnPingerBuilder, TurnScheme, TurnSecret, TurnServer, TurnTransport, TurnUrl,
    TurnUrlError, Unasked, Unresolved, UnresolvedRoot, Verify, View, WatchChange, WatchReason,
    Watching, Why,
};

/// What can be moved to another task, shared with it and logged.
fn shared<T: Debug + Send + Sync + Unpin + 'static>() {}

/// What can be kept in two places, too.
fn kept<T: Clone + Debug + Send + Sync + Unpin + 'static>() {}

/// What can be compared, too.
fn data<T: Clone + Debug + PartialEq + Eq + Send + Sync + Unpin + 'static>() {}

/// One word of a few.
fn word<T: Copy + Debug + PartialEq + Eq + Send + Sync + Unpin + 'static>() {}

/// What can be looked up in a map, however that sorts its keys.
fn key<T: Eq + Hash>() {}

/// What `?` takes, and a `Box<dyn Error + Send + Sync>`.
fn error<T: error::Error + Send + Sync + Unpin + 'static>() {}

/// What a configuration starts from.
fn starts<T: Default>() {}

#[test]
fn what_the_client_gives() {
    shared::<Builder>();
    shared::<Pinger>();
    kept::<Lister>();
    kept::<ListerBuilder>();
    data::<ServerList>();
    data::<ListedServer>();
    word::<ServerKind>();
    key::<ServerKind>();
    shared::<TurnPinger>();
    shared::<Watching>();
    data::<WatchChange>();
    word::<WatchReason>();
    kept::<Balance>();
    kept::<PingerBuilder>();
    kept::<TurnPingerBuilder>();
    data::<Selection>();
    data::<Hop>();
    data::<RunnerUp>();
    data::<IceConfiguration>();
    data::<IceServer>();
    data::<Trace>();
    data::<Candidate>();
    data::<Cost>();
    data::<Breach>();
    data::<LeftOut>();
    data::<ServerLabel>();
    key::<ServerLabel>();
    data::<Labels>();
    key::<Labels>();
    starts::<Labels>();
    data::<Limits>();
    data::<Parent>();
    data::<HttpsFailure>();
    data::<HttpsRootFault>();
    data::<HttpsFault>();
    word::<Transport>();
    word::<Echo>();
    word::<TurnEcho>();
    word::<TurnDid>();
    word::<Progress>();
    word::<CandidateState>();
    word::<Obstacle>();
    word::<Strategy>();
    word::<Verify>();
    word::<View>();
    word::<Why>();
    word::<Unasked>();
    word::<TurnFault>();
    key::<TurnFault>();
    starts::<Limits>();
    starts::<Strategy>();
    starts::<Verify>();
    starts::<View>();
}

#[test]
fn what_the_server_takes() {
    shared::<Server>();
    shared::<Broker>();
    shared::<AdminListener>();
    data::<Admin>();
    data::<AdminAddr>();
    starts::<Admin>();
    data::<Status>();
    starts::<Status>();
    data::<NodeStatus>();
    word::<SuperiorStatus>();
    data::<TrafficCounts>();
    data::<RttHistogram>();
    word::<ServerState>();
    word::<NodeKind>();
    word::<NodeCondition>();
    word::<NodeFault>();
    data::<Http>();
    data::<NodeSecret>();
    starts::<Http>();
    data::<Config>();
    data::<Net>();
    data::<ListenAddr>();
    key::<ListenAddr>();
    data::<Cluster>();
    data::<NodeEntry>();
    data::<KeyFile>();
    data::<Turn>();
    data::<TurnServer>();
    data::<LoadSource>();
    data::<MetricsUrl>();
    data::<RequestLimits>();
    data::<Diagnostic>();
    data::<Label>();
    data::<Reloaded>();
    word::<Difference>();
    word::<Log>();
    word::<Rates>();
    word::<BareAnswers>();
    word::<SecretKind>();
    word::<LogFormat>();
    word::<LogLevel>();
    starts::<Config>();
    starts::<Net>();
    starts::<Cluster>();
    starts::<Turn>();
    starts::<TurnServer>();
    starts::<RequestLimits>();
    starts::<Log>();
    starts::<Rates>();
}

#[test]
fn what_both_share() {
    word::<Load>();
    key::<Load>();
    data::<Endpoint>();
    data::<UnresolvedRoot>();
    data::<Unresolved>();
    data::<Name>();
    data::<TurnCredentials>();
    kept::<TurnSecret>();
    data::<TurnUrl>();
    data::<HttpsUrl>();
    data::<ServerUrl>();
    word::<TurnHealth>();
    word::<TurnScheme>();
    word::<TurnTransport>();
    word::<Family>();
    word::<Prefix>();
    word::<SocketOperation>();
    key::<Endpoint>();
    key::<TurnUrl>();
    key::<HttpsUrl>();
    key::<ServerUrl>();
    key::<Name>();
    key::<Family>();
    key::<Prefix>();
}

#[test]
fn what_goes_wrong() {
    error::<Error>();
    error::<Failure>();
    error::<ConfigError>();
    error::<KeyError>();
    error::<EndpointError>();
    error::<TurnUrlError>();
    error::<HttpsUrlError>();
    error::<MetricsUrlError>();
    error::<ServerUrlError>();
    error::<NameError>();
    error::<LabelError>();
    error::<PrefixError>();
}
