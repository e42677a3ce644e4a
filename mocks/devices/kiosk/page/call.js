// I3 and I5: calls of the clerk, answered by policy, with two cameras and a microphone over one connection.

import { CODE, RpcError } from "./rpc.js";

const DEPTH_CAMERA = 1; // the second simulated camera of the browser is a depth camera that a call cannot send
const PERSON = { width: 640, height: 480, frameRate: 20 };
const PAGE = { width: 1280, height: 720, frameRate: 10 };

export class Call {
  constructor(device, video) {
    this.device = device;
    this.video = video;
    this.policy = "auto";
    this.clear();
    this.over = new Set();
  }

  clear() {
    Object.assign(this, {
      id: "", session: "", window: "", ringing: false, connected: false, connection: null, streams: [],
      early: [], ring: 0, frames: 0, gone: null, leave: () => {},
    });
  }

  handlers() {
    return {
      "call.invite": (params) => this.invite(params),
      "call.cancel": (params) => this.cancelled(params),
      "call.bye": (params) => this.bye(params),
      "media.offer": (params) => this.offer(params),
      "media.answer": (params) => this.answered(params),
      "media.candidate": (params) => this.candidate(params),
    };
  }

  // -- ringing ---------------------------------------------------------------------------------------------------------

  invite(params) {
    const { call_id: id } = params;
    if (id === this.id) return { state: "ringing" };
    const { visit, mode } = this.device;
    if (this.over.has(id)) throw new RpcError(CODE.unknown, "the call is over");
    if (visit.closedSessions.has(params.session_id) || !visit.open.has(params.ticket_id)) {
      throw new RpcError(CODE.unknown, "unknown session or ticket");
    }
    if (this.id || this.policy === "busy" || mode !== "normal") throw new RpcError(CODE.busy, "busy");
    Object.assign(this, { id, session: params.session_id, window: params.clerk?.window_no ?? "", ringing: true });
    const servers = Array.isArray(params.ice_servers) ? params.ice_servers : this.device.registration.iceServers;
    this.device.screen.show("窗口来电");
    this.ring = setTimeout(() => this.ringOut(id), params.ring_timeout_ms);
    setTimeout(() => this.decide(id, servers), 0); // after the answer to the invitation is on its way
    return { state: "ringing" };
  }

  async decide(id, servers) {
    if (this.policy === "ignore" || this.id !== id) return;
    if (this.policy === "reject") {
      this.finish("来电已拒绝");
      await this.tell("call.reject", { call_id: id, reason: "declined" });
      return;
    }
    this.device.screen.showNotice();
    clearTimeout(this.ring);
    await this.tell("call.answer", { call_id: id });
    if (this.id !== id) return;
    this.ringing = false;
    try {
      await this.begin(id, servers);
    } catch (error) {
      this.device.log(`呼叫建立失败：${error.name} ${error.message}`);
      await this.hangUp("media-failed");
    }
  }

  ringOut(id) {
    if (this.id === id && this.ringing) this.finish("来电已结束");
  }

  cancelled(params) {
    this.mine(params);
    if (!this.ringing) throw new RpcError(CODE.state, "already answered");
    this.finish("来电已取消");
    return {};
  }

  /** Only the current call is spoken about; every other one is unknown or over. */
  mine(params) {
    if (params.call_id !== this.id) throw new RpcError(CODE.unknown, "no such call");
  }

  tell(method, params) {
    return this.device.signaling.call(method, params).catch((error) => this.device.log(`${method} 被拒：${error.message}`));
  }

  // -- media -----------------------------------------------------------------------------------------------------------

  async begin(id, servers) {
    const connection = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
    this.connection = connection;
    this.gone = new Promise((_, reject) => { this.leave = () => reject(new RpcError(CODE.unknown, "the call is over")); });
    this.gone.catch(() => {});
    connection.onicecandidate = ({ candidate }) => {
      if (this.connection !== connection) return;
      this.tell("media.candidate", { call_id: id, candidate: candidate ? plain(candidate) : null });
    };
    connection.onconnectionstatechange = () => this.changed(connection, id);
    connection.ontrack = ({ track }) => this.heard(track);
    const labels = await this.openCameras(connection);
    if (this.connection !== connection) return;
    await connection.setLocalDescription();
    const sections = connection.getTransceivers().map(({ mid }, at) => [mid, labels[at]]);
    const { sdp } = connection.localDescription;
    await this.tell("media.offer", { call_id: id, sdp, labels: Object.fromEntries(sections) });
  }

  /** Microphone and person both ways, the page outwards; the labels in the order of the sections. */
  async openCameras(connection) {
    const { mediaDevices } = navigator;
    const person = await mediaDevices.getUserMedia({ audio: true, video: PERSON });
    const cameras = (await mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const usable = cameras.filter((_, at) => at !== DEPTH_CAMERA);
    const { deviceId } = usable[1] ?? cameras[0];
    const page = await mediaDevices.getUserMedia({ video: { ...PAGE, deviceId: { exact: deviceId } } });
    this.streams = [person, page];
    if (this.connection !== connection) {
      this.release();
      return [];
    }
    const [sheet] = page.getVideoTracks();
    sheet.contentHint = "detail"; // letters stay sharp when the uplink is thin; the rate gives way
    // addTrack, because only what it adds takes part in an offer of the other side (RFC 9429 section 5.10)
    for (const track of [...person.getAudioTracks(), ...person.getVideoTracks()]) connection.addTrack(track, person);
    connection.addTrack(sheet, page);
    connection.getTransceivers().at(-1).direction = "sendonly";
    for (const id of ["person_camera", "document_camera"]) this.cameraChanged(id, this.device.bank.get(id).trouble());
    return ["audio", "person", "page"];
  }

  async answered(params) {
    this.mine(params);
    if (this.connection?.signalingState !== "have-local-offer") throw new RpcError(CODE.state, "no offer is waiting");
    await this.apply({ type: "answer", sdp: params.sdp });
    return {};
  }

  /** An offer of the clerk: the device is the polite side and gives its own offer up. */
  async offer(params) {
    this.mine(params);
    const { connection, id } = this;
    if (!connection) throw new RpcError(CODE.state, "not answered yet");
    const gaveUp = connection.signalingState === "have-local-offer";
    await this.apply({ type: "offer", sdp: params.sdp });
    await this.lasting(connection.setLocalDescription());
    const { sdp } = connection.localDescription;
    setTimeout(() => this.tell("media.answer", { call_id: id, sdp }), 0); // after the answer to this call
    if (gaveUp) this.device.log("对方先提议，已让步");
    return {};
  }

  /** A step of the connection, or the end of the call: closing a connection leaves its open steps unsettled for ever. */
  lasting(step) {
    return Promise.race([step, this.gone]);
  }

  async apply(description) {
    const { connection } = this;
    try {
      await this.lasting(connection.setRemoteDescription(description));
    } catch (error) {
      if (error instanceof RpcError) throw error;
      this.device.log(`媒体描述无法使用：${error.message}`);
      throw new RpcError(CODE.params, `description refused: ${error.name}`, { member: "sdp" });
    }
    const early = this.early.splice(0);
    for (const candidate of early) await this.lasting(connection.addIceCandidate(candidate ?? undefined));
  }

  async candidate(params) {
    this.mine(params);
    const told = params.candidate;
    if (!this.connection) throw new RpcError(CODE.state, "not answered yet");
    if (!this.connection.remoteDescription) {
      this.early.push(told);
      return {};
    }
    try {
      await this.lasting(this.connection.addIceCandidate(told ?? undefined));
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw new RpcError(CODE.params, `candidate refused: ${error.name}`, { member: "candidate" });
    }
    return {};
  }

  heard(track) {
    if (track.kind === "video") {
      this.video.srcObject = new MediaStream([track]);
      const count = () => { this.frames += 1; this.video.requestVideoFrameCallback(count); };
      this.video.requestVideoFrameCallback(count);
    } else {
      this.device.voice.srcObject = new MediaStream([track]);
    }
  }

  changed(connection, id) {
    if (this.connection !== connection) return;
    const state = connection.connectionState;
    this.connected = state === "connected";
    if (["connected", "disconnected", "failed"].includes(state)) {
      this.tell("media.state", { call_id: id, state, notice_shown: this.device.screen.notice });
    }
    if (state === "connected") this.device.screen.show("视频已接通");
    if (state === "failed") this.hangUp("media-failed");
    this.device.screen.render();
  }

  /** A camera that is broken or unplugged gives no picture, and a call says so by sending none. */
  cameraChanged(id, trouble) {
    const track = this.streams[{ person_camera: 0, document_camera: 1 }[id]]?.getVideoTracks()[0];
    if (track) track.enabled = !trouble;
  }

  // -- the end ---------------------------------------------------------------------------------------------------------

  bye(params) {
    this.mine(params);
    this.finish("通话已结束");
    return {};
  }

  /** The device ends the call. */
  async hangUp(reason) {
    const { id } = this;
    if (!id) return;
    this.finish("通话已结束");
    await this.tell("call.bye", { call_id: id, reason });
  }

  endForSession(session) {
    if (this.id && this.session === session) this.hangUp("session-closed");
  }

  finish(message) {
    const { id, connection } = this;
    const notice = this.device.screen.notice;
    clearTimeout(this.ring);
    this.release();
    connection?.close();
    this.leave();
    this.over.add(id);
    this.clear();
    if (connection) this.tell("media.state", { call_id: id, state: "closed", notice_shown: notice });
    this.device.screen.notice = false;
    this.device.screen.show(message);
  }

  release() {
    for (const stream of this.streams) stream.getTracks().forEach((track) => track.stop());
    this.streams = [];
    this.video.srcObject = null;
    this.device.voice.srcObject = null;
  }

  camerasInUse() {
    const live = (stream) => stream?.getVideoTracks().some(({ readyState }) => readyState === "live");
    return ["person_camera", "document_camera"].filter((_, at) => live(this.streams[at]));
  }
}

function plain({ candidate, sdpMid, sdpMLineIndex }) {
  return { candidate, sdpMid, sdpMLineIndex };
}
