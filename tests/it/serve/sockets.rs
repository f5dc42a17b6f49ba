//! Connections, limits, signatures, and the end of a server.

use super::*;

#[test]
fn garbage_and_excess_do_no_harm() {
    let options = Options {
        max_body: 1000,
        max_connections: 20,
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let server = server_with(&[], options);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"POST /model/%FF%FE/converse HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        &[0xff; 4000],
        format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(100_000)).as_bytes(),
        // Silence, and a head and a body that never end.
        b"",
        b"PRI * HT",
        b"GET / HTTP/1.1\r\nx: ",
        b"POST /model/x/converse HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{",
    ] {
        raw(&server, bytes);
    }
    let path = "/model/x/converse";
    let (status, body) = http(&server, "POST", path, &" ".repeat(1001));
    assert_eq!(status, 400);
    assert!(body.contains("less than or equal to 1000"), "{body}");
    assert_eq!(http(&server, "POST", path, "{").0, 400);
    let held: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(server.addr()).unwrap())
        .collect();
    std::thread::sleep(Duration::from_millis(50));
    let (status, body) = http(&server, "GET", "/_bedload/health", "");
    assert_eq!(status, 503);
    assert!(body.contains("Too many connections"), "{body}");
    for stream in held {
        let _ = stream.shutdown(Shutdown::Both);
    }
    eventually(&server, |state| state["in_flight"] == 0);
}

#[test]
fn http_2_without_tls_is_spoken() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = server(&[]);
    on_runtime(async {
        let stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let request =
                    hyper::Request::post(format!("{}/model/{HAIKU}/converse-stream", server.url()))
                        .body(Full::new(hyper::body::Bytes::from(body.to_string())))
                        .unwrap();
                sender.send_request(request)
            })
            .collect();
        for call in calls {
            let reply = call.await.unwrap();
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.version(), hyper::Version::HTTP_2);
            let bytes = reply.into_body().collect().await.unwrap().to_bytes();
            let mut reader = bedload::wire::frame::FrameReader::new();
            reader.push(&bytes);
            let mut frames = 0;
            while reader.next_frame().unwrap().is_some() {
                frames += 1;
            }
            // Start, twelve pieces, the end of the block, stop, metadata.
            assert_eq!(frames, 16);
        }
    });
}

#[test]
fn a_closing_server_lets_answers_end() {
    let server = server(&[
        "service.latency.fixed.ttft=50ms",
        "service.latency.fixed.per_token=20ms",
    ]);
    on_runtime(async {
        let client = client(&server);
        let reading = tokio::spawn(async move { read_stream(&client).await });
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.close(Duration::from_secs(10));
        let (text, stop, ..) = reading.await.unwrap();
        assert_eq!((text.len(), stop), (48, Some(StopReason::EndTurn)));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(TcpStream::connect(server.addr()).is_err(), "nobody listens");
    });
    assert_eq!(server.stop(Duration::from_secs(1)).invocations, 1);
}

#[test]
fn what_does_not_end_in_time_is_cut_and_settled() {
    let server = server(&[
        "service.latency.fixed.ttft=10ms",
        "service.latency.fixed.per_token=1s",
    ]);
    on_runtime(async {
        let mut reply = client(&server)
            .converse_stream()
            .model_id(HAIKU)
            .messages(user("hi"))
            .send()
            .await
            .unwrap();
        reply.stream.recv().await.unwrap().unwrap();
        let totals = server.stop(Duration::from_millis(100));
        assert_eq!((totals.invocations, totals.abandoned), (0, 1));
    });
}

#[test]
fn signatures_are_verified_where_that_is_asked() {
    let options = Options {
        verify: true,
        access_keys: vec![AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "right".to_owned(),
            session_token: None,
        }],
        ..Options::default()
    };
    let server = server_with(&[], options);
    on_runtime(async {
        let call = |client: Client| async move {
            let call = client.converse().model_id(HAIKU);
            call.messages(user("hi")).send().await
        };
        call(client_with(&server, "right")).await.unwrap();
        let error = call(client_with(&server, "wrong")).await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
        assert_eq!(
            error.into_service_error().code(),
            Some("InvalidSignatureException")
        );
    });
    assert_eq!(http(&server, "POST", "/model/x/converse", "{}").0, 403);
    assert_eq!(http(&server, "GET", "/_bedload/health", "").0, 200);
}

/// The program, serving the scenario with these arguments; its address.
#[cfg(unix)]
fn program(folder: &std::path::Path, more: &[&str]) -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    std::fs::write(folder.join("served.toml"), SCENARIO).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(["serve", "served.toml", "--listen", "127.0.0.1:0"])
        .args(["--format", "json"])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let url = told["listening"].as_str().unwrap().to_owned();
    (child, url)
}

#[test]
#[cfg(unix)]
fn the_program_says_where_it_listens_and_ends_when_interrupted() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let slow = ["--set", "service.latency.fixed.per_token=10s"];
    for (more, is_busy, code) in [(&[][..], false, 0), (&slow[..], true, 130)] {
        let (child, url) = program(folder.path(), more);
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = r#"{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}"#;
        let request = format!(
            "POST /model/{HAIKU}/converse-stream HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut some = [0; 300];
        stream.read_exact(&mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200 OK"));
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).unwrap();
        if is_busy {
            std::thread::sleep(Duration::from_millis(200));
            kill_process(pid, Signal::INT).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(talk.contains("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"), "{talk}");
        assert!(talk.contains("quota.semantics = B"), "{talk}");
        assert!(talk.contains("Served 1 calls"), "{talk}");
    }
}
